//! `windows` and `sequences`: examples made of several rows.
use super::arguments::Arguments;
use super::frame::{Advice, Columns, Frame, Kind, gather};
use super::pipe::FURTHER;
use super::transforms::{Context, table};
use super::{fault, fault_help};
use crate::base::data::DataError;
use crate::base::tensor::{Elements, Tensor};
use std::collections::HashMap;

/// How windows lie.
struct Layout {
    length: usize,
    /// Rows after the window that the example needs.
    horizon: usize,
    stride: usize,
}

/// Windows of a text or series.
pub(super) fn windows(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let Some(length) = arguments.count(Some(0), "length", 1)? else {
        return Err(fault("`windows` wants a length: write windows(64)"));
    };
    let horizon = arguments.count(None, "horizon", 1)?;
    let text = matches!(frame.kind, Kind::Text(_));
    if text && horizon.is_some() {
        return Err(fault(
            "`windows` of a text takes no `horizon`: `next` is one character later",
        ));
    }
    let stride = arguments
        .count(None, "stride", 1)?
        .unwrap_or(if text { length } else { 1 });
    let layout = Layout {
        length,
        horizon: horizon.unwrap_or(1),
        stride,
    };
    frame.join()?;
    if frame.shuffled {
        let help = "put `shuffle` after `windows`, and leave out `shuffle = true` in `split`";
        return Err(fault_help(
            format!("{}: `windows` of rows that are shuffled", frame.name),
            help,
        ));
    }
    let (runs, parts) = place(frame, &layout, context)?;
    let fields = if text {
        text_fields(frame, &runs, &layout, context)?
    } else {
        series_fields(frame, &runs, &layout, context)?
    };
    frame.fields = fields;
    if !text {
        frame.kind = Kind::Series;
    }
    regroup(frame, &runs, parts, context);
    Ok(())
}

type Runs = Vec<Vec<u32>>;
type Parts = Vec<(String, Vec<u32>)>;

/// The rows of each window with what follows it, and the windows of each part.
fn place(
    frame: &Frame,
    layout: &Layout,
    context: &Context<'_>,
) -> Result<(Runs, Parts), DataError> {
    let span = layout.length + layout.horizon;
    let (mut runs, mut parts) = (Runs::new(), Parts::new());
    for (part, rows) in &frame.parts {
        let count = (rows.len() + 1)
            .saturating_sub(span)
            .div_ceil(layout.stride);
        let what = format!("{}: `windows`", frame.name);
        context.files.allow(&[runs.len() + count, span], 4, &what)?;
        let start = runs.len() as u32;
        runs.extend(
            rows.windows(span)
                .step_by(layout.stride)
                .map(<[u32]>::to_vec),
        );
        if runs.len() as u32 == start {
            let which = if part.is_empty() {
                String::new()
            } else {
                format!(" of part `{part}`")
            };
            let message = format!(
                "{}: the {} rows{which} are too few for a window of {} and the {} after it",
                frame.name,
                rows.len(),
                layout.length,
                layout.horizon
            );
            return Err(fault_help(message, "make the windows shorter"));
        }
        parts.push((part.clone(), (start..runs.len() as u32).collect()));
    }
    Ok((runs, parts))
}

/// Rows `from..to` of each run of a field, as `[runs, to - from, ...]`.
fn stacked(
    frame: &Frame,
    field: usize,
    runs: &Runs,
    range: std::ops::Range<usize>,
    context: &Context<'_>,
) -> Result<Tensor, DataError> {
    let Some((_, tensor)) = frame.fields.get(field) else {
        return Err(fault(format!("{}: a field is missing", frame.name)));
    };
    let mut shape = vec![runs.len(), range.len()];
    shape.extend(tensor.shape().iter().skip(1));
    context.files.allow(
        &shape,
        tensor.dtype().size(),
        &format!("{}: `windows`", frame.name),
    )?;
    let rows: Vec<u32> = runs
        .iter()
        .flat_map(|run| run.get(range.clone()).unwrap_or_default())
        .copied()
        .collect();
    gather(tensor, &rows)
        .reshaped(shape)
        .ok_or_else(|| fault(format!("{}: the sizes of windows disagree", frame.name)))
}

fn text_fields(
    frame: &Frame,
    runs: &Runs,
    layout: &Layout,
    context: &Context<'_>,
) -> Result<Vec<(String, Tensor)>, DataError> {
    if frame
        .fields
        .iter()
        .any(|(_, tensor)| tensor.shape().len() != 1)
        || frame.fields.len() != 1
    {
        return Err(fault(format!(
            "{}: `windows` stands twice in the pipe",
            frame.name
        )));
    }
    let tokens = stacked(frame, 0, runs, 0..layout.length, context)?;
    let next = stacked(frame, 0, runs, 1..layout.length + 1, context)?;
    Ok(vec![
        ("tokens".to_string(), tokens),
        ("next".to_string(), next),
    ])
}

fn series_fields(
    frame: &mut Frame,
    runs: &Runs,
    layout: &Layout,
    context: &Context<'_>,
) -> Result<Vec<(String, Tensor)>, DataError> {
    if let Some((other, _)) = frame
        .fields
        .iter()
        .find(|(name, _)| name != "x" && name != "y")
    {
        let help = format!("add drop(\"{other}\") or rename(x = \"{other}\") to the pipe");
        return Err(fault_help(
            format!("{}: `windows` knows `x` and `y`, not `{other}`", frame.name),
            help,
        ));
    }
    if frame.kind == Kind::Series {
        return Err(fault(format!(
            "{}: `windows` of windows or sequences",
            frame.name
        )));
    }
    let x = match frame.fields.iter().position(|(name, _)| name == "x") {
        Some(index) => index,
        None => frame.field("y", "windows")?,
    };
    if let Some((_, tensor)) = frame
        .fields
        .get_mut(x)
        .filter(|(_, tensor)| tensor.shape().len() == 1)
    {
        let column = [tensor.len(), 1];
        *tensor = tensor
            .clone()
            .reshaped(column)
            .unwrap_or_else(|| tensor.clone());
    }
    let y = frame
        .fields
        .iter()
        .position(|(name, _)| name == "y")
        .unwrap_or(x);
    let after = layout.length..layout.length + layout.horizon;
    let inputs = stacked(frame, x, runs, 0..layout.length, context)?;
    let outputs = stacked(frame, y, runs, after, context)?;
    Ok(vec![("x".to_string(), inputs), ("y".to_string(), outputs)])
}

/// Puts examples in the place of rows: parts, the training part, and what they are made of.
fn regroup(frame: &mut Frame, runs: &Runs, parts: Parts, context: &Context<'_>) {
    frame.parts = parts;
    if let Some(mask) = &frame.training {
        let trains = |run: &Vec<u32>| run.iter().any(|&row| mask.get(row as usize) == Some(&true));
        frame.training = Some(runs.iter().map(trains).collect());
    }
    if context.track {
        let before = frame.origins.take();
        let origin = |run: &Vec<u32>| match &before {
            None => run.clone(),
            Some(before) => run
                .iter()
                .filter_map(|&row| before.get(row as usize))
                .flatten()
                .copied()
                .collect(),
        };
        frame.origins = Some(runs.iter().map(origin).collect());
    }
}

/// Sequences of a long table.
pub(super) fn sequences(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    if frame.cut {
        let message = format!(
            "{}: `split` before `sequences` would cut sequences in two",
            frame.name
        );
        return Err(fault_help(message, "put `sequences` before `split`"));
    }
    let by = match (arguments.texts()?.first().copied(), arguments.text("by")?) {
        (Some(name), None) | (None, Some(name)) => name.to_string(),
        _ => {
            return Err(fault_help(
                "`sequences` wants the column of the key",
                "write sequences(by = \"series\")",
            ));
        }
    };
    let used = frame.used();
    let parts = frame.parts.clone();
    let table = table(frame, "sequences")?;
    table.index(&by, "sequences")?;
    if let Some(target) = arguments.text("target")? {
        table.index(target, "sequences")?;
        table.targets = vec![target.to_string()];
    }
    let order = match arguments.text("order")? {
        Some(order) => Some(table.index(order, "sequences")?),
        None => table.columns.iter().position(|column| column.name == "t"),
    };
    let (runs, parts) = group(table, &by, order, &parts)?;
    let order_name = order
        .and_then(|index| table.columns.get(index))
        .map(|column| column.name.clone());
    let features: Vec<_> = table
        .roles()
        .0
        .into_iter()
        .filter(|column| column.name != by && Some(&column.name) != order_name.as_ref())
        .collect();
    let rows = table.matrix(&features, &used, Advice::Feature)?;
    let padded = padded(&rows, &runs, &frame.name, context)?;
    let classes = arguments.flag("classes")?;
    let label = known_labels(frame, &runs, classes)?;
    let lengths: Vec<i32> = runs.iter().map(|run| run.len() as i32).collect();
    frame.table = None;
    frame.fields = vec![("x".to_string(), padded)];
    frame
        .fields
        .extend(label.map(|tensor| ("y".to_string(), tensor)));
    frame.fields.extend(
        Tensor::new([runs.len()], Elements::I32(lengths))
            .map(|tensor| ("lengths".to_string(), tensor)),
    );
    frame.kind = Kind::Series;
    frame.shuffled = false;
    regroup(frame, &runs, parts, context);
    Ok(())
}

/// The rows of each sequence in order; sequences in the order in which they appear.
fn group(
    table: &Columns,
    by: &str,
    order: Option<usize>,
    parts: &Parts,
) -> Result<(Runs, Parts), DataError> {
    let key = table.columns.get(table.index(by, "sequences")?);
    let order = order.and_then(|index| table.columns.get(index));
    let (mut runs, mut out) = (Runs::new(), Parts::new());
    for (part, rows) in parts {
        let start = runs.len();
        let mut places: HashMap<String, usize> = HashMap::new();
        for &row in rows {
            let Some(name) = key.and_then(|column| column.key(row)) else {
                return Err(fault(format!(
                    "{}, column \"{by}\": the key of the sequence is missing",
                    table.place(row)
                )));
            };
            let place = *places.entry(name).or_insert_with(|| {
                runs.push(Vec::new());
                runs.len() - 1
            });
            if let Some(run) = runs.get_mut(place) {
                run.push(row);
            }
        }
        out.push((part.clone(), (start as u32..runs.len() as u32).collect()));
    }
    if let Some(order) = order {
        let mut used = vec![false; table.rows];
        parts
            .iter()
            .flat_map(|(_, rows)| rows)
            .map(|&row| row as usize)
            .for_each(|row| {
                if let Some(flag) = used.get_mut(row) {
                    *flag = true;
                }
            });
        table.check_numbers(order, &used, Advice::Target)?;
        let time = |row: &u32| {
            order
                .numbers
                .get(*row as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        runs.iter_mut()
            .for_each(|run| run.sort_by(|a, b| time(a).total_cmp(&time(b))));
    }
    Ok((runs, out))
}

/// `[sequences, longest, d]`, zeros behind the end of each.
fn padded(
    rows: &Tensor,
    runs: &Runs,
    name: &str,
    context: &Context<'_>,
) -> Result<Tensor, DataError> {
    let features = rows.shape().get(1).copied().unwrap_or(0);
    if features == 0 {
        return Err(fault(format!(
            "{name}: `sequences` leaves no column for `x`"
        )));
    }
    let longest = runs.iter().map(Vec::len).max().unwrap_or(0);
    let count = context.files.allow(
        &[runs.len(), longest, features],
        4,
        &format!("{name}: `sequences`"),
    )?;
    let values = rows.as_f32().unwrap_or_default();
    let mut out = Vec::with_capacity(count);
    for run in runs {
        for &row in run {
            out.extend_from_slice(
                values
                    .get(row as usize * features..(row as usize + 1) * features)
                    .unwrap_or_default(),
            );
        }
        out.resize(out.len() + (longest - run.len()) * features, 0.0);
    }
    Tensor::new([runs.len(), longest, features], Elements::F32(out))
        .ok_or_else(|| fault(format!("{name}: the sizes of sequences disagree")))
}

/// The labels of all sequences; those from outside of the program, which come last, have none and get any.
fn known_labels(
    frame: &mut Frame,
    runs: &Runs,
    classes: Option<bool>,
) -> Result<Option<Tensor>, DataError> {
    let further = |part: &(String, Vec<u32>)| part.0 == FURTHER;
    let hidden = frame.parts.iter().position(further);
    let hidden = hidden.map(|at| frame.parts.remove(at));
    let used = frame.used();
    let mut keys: Vec<u32> = frame
        .parts
        .iter()
        .flat_map(|(_, rows)| rows.iter().copied())
        .collect();
    frame.parts.extend(hidden);
    keys.sort_unstable();
    let is_known = |run: &&Vec<u32>| {
        let first = run.first();
        first.is_some_and(|row| keys.binary_search(row).is_ok())
    };
    let known: Runs = runs.iter().filter(is_known).cloned().collect();
    let labels = labels(frame, &known, &used, classes)?;
    if known.len() == runs.len() {
        return Ok(labels);
    }
    let last = known.len().saturating_sub(1);
    let rows: Vec<u32> = (0..runs.len()).map(|at| at.min(last) as u32).collect();
    Ok(labels.map(|labels| gather(&labels, &rows)))
}

/// One label for each sequence, which all of its rows must share.
fn labels(
    frame: &mut Frame,
    runs: &Runs,
    used: &[bool],
    classes: Option<bool>,
) -> Result<Option<Tensor>, DataError> {
    let Some(table) = &frame.table else {
        return Ok(None);
    };
    let (_, targets) = table.roles();
    let Some(column) = targets.first() else {
        return Ok(None);
    };
    for run in runs {
        let Some(&first) = run.first() else { continue };
        if let Some(&row) = run
            .iter()
            .find(|&&row| column.key(row) != column.key(first))
        {
            let (here, there) = (
                column.key(row).unwrap_or_default(),
                column.key(first).unwrap_or_default(),
            );
            let message = format!(
                "{}, column \"{}\": {here}, where its sequence has {there}",
                table.place(row),
                column.name
            );
            return Err(fault_help(
                message,
                "the target is one value for the whole sequence",
            ));
        }
    }
    let firsts = || {
        runs.iter()
            .filter_map(|run| run.first().map(|&row| row as usize))
    };
    let whole = column
        .numbers
        .iter()
        .all(|number| number.is_nan() || number.fract() == 0.0);
    if column.is_text() || classes.unwrap_or(whole) {
        let (numbers, names) = table.classes(column, used)?;
        let labels: Vec<i32> = firsts()
            .filter_map(|row| numbers.get(row).copied())
            .collect();
        frame.classes.push(("y".to_string(), names));
        return Ok(Tensor::new([runs.len()], Elements::I32(labels)));
    }
    table.check_numbers(column, used, Advice::Target)?;
    let numbers: Vec<f32> = firsts()
        .filter_map(|row| column.numbers.get(row).map(|&number| number as f32))
        .collect();
    Ok(Tensor::new([runs.len()], Elements::F32(numbers)))
}
