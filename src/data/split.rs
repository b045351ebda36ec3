//! `split`: which rows go to which part.
use super::arguments::{Arguments, whole};
use super::frame::{Frame, Kind};
use super::transforms::Context;
use super::{did_you_mean, fault, fault_help};
use crate::base::data::{DataError, DataOption};
use crate::base::philox::permutation;
use std::collections::HashMap;

/// Keeps this shuffle apart from those of training, which count epochs from 0.
const SPLIT_EPOCH: u64 = u64::MAX;
/// Options that are no parts.
const SETTINGS: &[&str] = &["seed", "stratify", "shuffle"];

/// Cuts the only part, or `train` where the reader gave several.
pub(super) fn split(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let (index, rows) = divided(frame)?;
    let shares = shares(frame, arguments, rows.len(), index)?;
    let order_matters = context.contiguous || matches!(frame.kind, Kind::Text(_));
    let shuffle = arguments.flag("shuffle")?.unwrap_or(!order_matters);
    let seed = arguments.seed(None)?;
    let labels = stratify_by(arguments)?
        .map(|name| labels(frame, &name))
        .transpose()?;
    let ordered: Vec<u32> = match shuffle {
        true => permutation(rows.len() as u32, seed, SPLIT_EPOCH)
            .iter()
            .filter_map(|&at| rows.get(at as usize).copied())
            .collect(),
        false => rows,
    };
    let parts = match labels {
        Some(labels) => dealt(&ordered, &labels, &shares),
        None => cut(&ordered, &shares),
    };
    for ((name, _), part) in shares.iter().zip(&parts) {
        if part.is_empty() {
            let message = format!(
                "{}: the part `{name}` of the split is empty ({} rows in all)",
                frame.name,
                ordered.len()
            );
            return Err(fault_help(message, "give it a larger share"));
        }
    }
    let named = shares.into_iter().map(|(name, _)| name).zip(parts);
    frame.parts.splice(index..=index, named);
    frame.cut = true;
    frame.shuffled |= shuffle;
    Ok(())
}

/// The part to be cut.
fn divided(frame: &Frame) -> Result<(usize, Vec<u32>), DataError> {
    let index = frame.training_part();
    match frame.parts.get(index) {
        Some((_, rows)) if !rows.is_empty() => Ok((index, rows.clone())),
        Some(_) | None => Err(fault(format!(
            "{}: the data set is empty: there is nothing to split",
            frame.name
        ))),
    }
}

/// The parts and how many rows each gets.
fn shares(
    frame: &Frame,
    arguments: &Arguments<'_>,
    total: usize,
    index: usize,
) -> Result<Vec<(String, usize)>, DataError> {
    let mut asked: Vec<(String, f64)> = Vec::new();
    let named = arguments
        .named
        .iter()
        .filter(|(name, _)| !SETTINGS.contains(&name.as_str()));
    let positional = arguments.positional.iter().map(|value| ("train", value));
    for (name, value) in positional.chain(named.map(|(name, value)| (name.as_str(), value))) {
        let DataOption::Number(share) = value else {
            let names: Vec<&str> = SETTINGS
                .iter()
                .chain(&["train", "valid", "test"])
                .copied()
                .collect();
            return Err(fault_help(
                format!("`split`: the share of `{name}` is not a number"),
                did_you_mean(name, names, "options"),
            ));
        };
        if asked.iter().any(|(earlier, _)| earlier == name) {
            return Err(fault(format!("`split`: the part `{name}` is given twice")));
        }
        asked.push((name.to_string(), *share));
    }
    if asked.is_empty() {
        return Err(fault_help(
            "`split` is given no share",
            "write split(train = 0.8)",
        ));
    }
    let rest = (!asked.iter().any(|(name, _)| name == "test")).then_some("test");
    let shares = match asked.iter().all(|(_, share)| *share > 0.0 && *share < 1.0) {
        true => by_fractions(asked, total, rest)?,
        false => by_counts(asked, total, rest)?,
    };
    for (other, (existing, _)) in frame.parts.iter().enumerate() {
        if other != index && shares.iter().any(|(name, _)| name == existing) {
            let message = format!(
                "{}: there is already a part `{existing}`, from a file of its own",
                frame.name
            );
            return Err(fault_help(
                message,
                "name every part: split(train = 0.9, valid = 0.1)",
            ));
        }
    }
    Ok(shares)
}

fn by_fractions(
    asked: Vec<(String, f64)>,
    total: usize,
    rest: Option<&str>,
) -> Result<Vec<(String, usize)>, DataError> {
    let sum: f64 = asked.iter().map(|(_, share)| share).sum();
    let complete = (sum - 1.0).abs() < 1e-9;
    if !complete && (sum > 1.0 || rest.is_none()) {
        let sum = (sum * 1e9).round() / 1e9;
        return Err(fault_help(
            format!("`split`: the shares add to {sum}, not to 1"),
            "write split(train = 0.8, test = 0.2)",
        ));
    }
    let (mut shares, mut before, mut sum) = (Vec::new(), 0, 0.0);
    for (name, share) in asked {
        sum += share;
        // Rounding the running sum, so that the parts add to the whole.
        let upto = ((sum * total as f64).round() as usize).min(total);
        shares.push((name, upto - before));
        before = upto;
    }
    if let Some(rest) = rest.filter(|_| !complete) {
        shares.push((rest.to_string(), total - before));
    }
    Ok(shares)
}

fn by_counts(
    asked: Vec<(String, f64)>,
    total: usize,
    rest: Option<&str>,
) -> Result<Vec<(String, usize)>, DataError> {
    let mut shares = Vec::new();
    let mut left = total;
    // A lone 1 may be meant as "everything"; beside a larger number it is a count.
    let least = if asked.iter().any(|(_, share)| *share > 1.0) {
        1
    } else {
        2
    };
    for (name, share) in asked {
        let count = whole(share)
            .filter(|&count| count >= least)
            .and_then(|count| usize::try_from(count).ok());
        let Some(count) = count else {
            let message = format!(
                "`split`: {share} for `{name}` is neither a fraction between 0 and 1 nor a number of rows"
            );
            return Err(fault_help(
                message,
                "write split(train = 0.8), or numbers of rows for every part: split(train = 120, test = 30)",
            ));
        };
        left = left.checked_sub(count).ok_or_else(|| {
            fault_help(
                format!("`split`: the parts want more rows than the {total} there are"),
                "a part is a fraction, split(train = 0.8), or a number of rows",
            )
        })?;
        shares.push((name, count));
    }
    match rest {
        Some(rest) if left > 0 => shares.push((rest.to_string(), left)),
        None if left > 0 => {
            let help = format!("name a part for them, or put take({}) before", total - left);
            return Err(fault_help(
                format!("`split`: {left} of {total} rows are left over"),
                help,
            ));
        }
        Some(_) | None => {}
    }
    Ok(shares)
}

fn cut(ordered: &[u32], shares: &[(String, usize)]) -> Vec<Vec<u32>> {
    let mut rest = ordered;
    let mut parts = Vec::new();
    for (_, count) in shares {
        let (part, after) = rest.split_at((*count).min(rest.len()));
        parts.push(part.to_vec());
        rest = after;
    }
    parts
}

/// Deals the rows class by class, each to the part that is furthest behind its share; so every part has its size to
/// within one row, in all and in each class nearly. Within a part the rows keep the shuffled order.
fn dealt(ordered: &[u32], labels: &[u32], shares: &[(String, usize)]) -> Vec<Vec<u32>> {
    let total = ordered.len().max(1) as f64;
    let mut by_class: Vec<usize> = (0..ordered.len()).collect();
    let label = |at: usize| ordered.get(at).and_then(|&row| labels.get(row as usize));
    by_class.sort_by_key(|&at| label(at));
    let mut parts = vec![Vec::new(); shares.len()];
    for (turn, at) in by_class.into_iter().enumerate() {
        let behind = |part: usize, count: usize| {
            shares.get(part).map_or(0.0, |(_, share)| {
                *share as f64 / total * (turn + 1) as f64 - count as f64
            })
        };
        let mut best = (0, f64::NEG_INFINITY);
        for (part, members) in parts.iter().enumerate() {
            let deficit = behind(part, members.len());
            if deficit > best.1 {
                best = (part, deficit);
            }
        }
        if let Some(members) = parts.get_mut(best.0) {
            members.push(at);
        }
    }
    for members in &mut parts {
        members.sort_unstable();
    }
    let rows = |members: Vec<usize>| {
        members
            .into_iter()
            .filter_map(|at| ordered.get(at).copied())
            .collect()
    };
    parts.into_iter().map(rows).collect()
}

fn stratify_by(arguments: &Arguments<'_>) -> Result<Option<String>, DataError> {
    match arguments.option("stratify") {
        None | Some(DataOption::Flag(false)) => Ok(None),
        Some(DataOption::Flag(true)) => Ok(Some("y".to_string())),
        Some(DataOption::Text(name)) => Ok(Some(name.clone())),
        Some(DataOption::Number(_) | DataOption::List(_)) => Err(fault(
            "`split`: `stratify` is true, or the name of a field or column",
        )),
    }
}

/// A group number for each row: equal values of a field or column, equal numbers.
fn labels(frame: &Frame, name: &str) -> Result<Vec<u32>, DataError> {
    let no_classes = || {
        let message = format!(
            "{}: `split` is to stratify by `{name}`, which holds no classes",
            frame.name
        );
        fault_help(
            message,
            "name a column of classes: target(\"column\") before the split, or stratify = \"column\"",
        )
    };
    let mut groups: HashMap<String, u32> = HashMap::new();
    let mut number = |key: String| {
        let next = groups.len() as u32;
        *groups.entry(key).or_insert(next)
    };
    if let Some(table) = &frame.table {
        let column = match (name, table.targets.as_slice()) {
            ("y", [target]) => target.as_str(),
            ("y", _) if !table.columns.iter().any(|column| column.name == "y") => {
                return Err(no_classes());
            }
            (name, _) => name,
        };
        let index = table.index(column, "split")?;
        let column = table.columns.get(index).ok_or_else(no_classes)?;
        return Ok((0..table.rows as u32)
            .map(|row| number(column.key(row).unwrap_or_default()))
            .collect());
    }
    let (_, tensor) = frame
        .fields
        .iter()
        .find(|(field, _)| field == name)
        .ok_or_else(no_classes)?;
    match tensor.shape() {
        [_] if !tensor.dtype().is_float() => Ok(tensor
            .to_f64()
            .iter()
            .map(|value| number(value.to_string()))
            .collect()),
        _ => Err(no_classes()),
    }
}
