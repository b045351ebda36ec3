//! Transforms that take statistics of the training part.
use super::arguments::Arguments;
use super::frame::{Column, Columns, Frame, Kind};
use super::transforms::{Context, floats};
use super::{fault, fault_help};
use crate::base::data::{DataError, DataOption};
use crate::base::tensor::{Elements, Tensor};
use std::collections::{BTreeMap, BTreeSet};

/// `(x - subtract) / divide * multiply + add`.
#[derive(Debug, Clone, Copy)]
struct Affine {
    subtract: f64,
    divide: f64,
    multiply: f64,
    add: f64,
}

impl Affine {
    fn of(self, value: f64) -> f64 {
        (value - self.subtract) / self.divide * self.multiply + self.add
    }
}

/// What `standardize` and `scale` fit to the numbers of one group.
enum Fit {
    Standard,
    Range { low: f64, high: f64 },
    Given(Affine),
}

impl Fit {
    /// The map for a group whose training values these are.
    fn affine(&self, values: impl Iterator<Item = f64> + Clone) -> Affine {
        match self {
            Fit::Given(affine) => *affine,
            Fit::Standard => {
                let count = values.clone().count().max(1) as f64;
                let mean = values.clone().sum::<f64>() / count;
                let deviation =
                    (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
                Affine {
                    subtract: mean,
                    divide: if deviation > 0.0 { deviation } else { 1.0 },
                    multiply: 1.0,
                    add: 0.0,
                }
            }
            Fit::Range { low, high } => {
                let (least, most) = values.fold(
                    (f64::INFINITY, f64::NEG_INFINITY),
                    |(least, most), value| (least.min(value), most.max(value)),
                );
                let width = if most > least { most - least } else { 1.0 };
                Affine {
                    subtract: least,
                    divide: width,
                    multiply: high - low,
                    add: *low,
                }
            }
        }
    }
}

/// Subtracts the mean and divides by the deviation.
pub(super) fn standardize(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let (names, numbers) = arguments.names_and_numbers()?;
    let fit = match numbers.as_slice() {
        [] => Fit::Standard,
        [_, deviation] if *deviation <= 0.0 => {
            return Err(fault(format!(
                "`standardize`: the deviation {deviation} is not above 0"
            )));
        }
        [mean, deviation] => Fit::Given(Affine {
            subtract: *mean,
            divide: *deviation,
            multiply: 1.0,
            add: 0.0,
        }),
        _ => {
            return Err(fault(
                "`standardize` takes no number, or a mean and a deviation: standardize(0.1307, 0.3081)",
            ));
        }
    };
    fitted(frame, "standardize", &names, &fit, context)
}

/// Maps the range to bounds, or multiplies.
pub(super) fn scale(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let (names, numbers) = arguments.names_and_numbers()?;
    let fit = match numbers.as_slice() {
        [factor] => Fit::Given(Affine {
            subtract: 0.0,
            divide: 1.0,
            multiply: *factor,
            add: 0.0,
        }),
        [low, high] if low < high => Fit::Range {
            low: *low,
            high: *high,
        },
        [low, high] => return Err(fault(format!("`scale`: {low} is not below {high}"))),
        _ => {
            return Err(fault(
                "`scale` takes a factor, or a low and a high bound: scale(0, 1)",
            ));
        }
    };
    fitted(frame, "scale", &names, &fit, context)
}

/// Applies a fit to the columns or fields named, else to `x`.
fn fitted(
    frame: &mut Frame,
    by: &str,
    names: &[&str],
    fit: &Fit,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let training = frame.training_rows();
    if let Some(table) = &mut frame.table {
        for index in columns_of(table, by, names, context)? {
            if let Some(column) = table.columns.get_mut(index) {
                let values = training
                    .iter()
                    .filter_map(|&row| column.numbers.get(row as usize).copied());
                let affine = fit.affine(values.filter(|value| !value.is_nan()));
                column
                    .numbers
                    .iter_mut()
                    .for_each(|value| *value = affine.of(*value));
            }
        }
        return Ok(());
    }
    for name in if names.is_empty() { &["x"] } else { names } {
        let index = frame.field(name, by)?;
        fit_field(frame, index, fit, &training);
    }
    Ok(())
}

/// The columns of numbers that a transform is about.
fn columns_of(
    table: &Columns,
    by: &str,
    names: &[&str],
    context: &Context<'_>,
) -> Result<Vec<usize>, DataError> {
    let is_target = |column: &Column| {
        table.targets.contains(&column.name) || context.reserved.contains(&column.name)
    };
    let all = || table.columns.iter().enumerate();
    let features = || {
        all()
            .filter(|(_, column)| !is_target(column) && !column.is_text())
            .map(|(index, _)| index)
    };
    let mut indices = Vec::new();
    if names.is_empty() {
        return Ok(features().collect());
    }
    for name in names {
        match *name {
            "x" if table.columns.iter().all(|column| column.name != "x") => {
                indices.extend(features())
            }
            "y" if table.columns.iter().all(|column| column.name != "y") => {
                indices.extend(
                    all()
                        .filter(|(_, column)| table.targets.contains(&column.name))
                        .map(|(index, _)| index),
                );
            }
            name => {
                let index = table.index(name, by)?;
                if table.columns.get(index).is_some_and(Column::is_text) {
                    return Err(fault(format!(
                        "{}: `{by}` names the column \"{name}\", which holds text",
                        file(table)
                    )));
                }
                indices.push(index);
            }
        }
    }
    Ok(indices)
}

fn file(table: &Columns) -> &str {
    table
        .files
        .first()
        .map(|(file, _)| file.as_str())
        .unwrap_or_default()
}

/// Fits each feature (the last dimension) of a table or series, or everything together.
fn fit_field(frame: &mut Frame, index: usize, fit: &Fit, training: &[u32]) {
    let lengths = match frame.kind {
        Kind::Series => frame
            .fields
            .iter()
            .find(|(name, _)| name == "lengths")
            .and_then(|(_, tensor)| tensor.as_i32()),
        Kind::Rows | Kind::Text(_) => None,
    };
    let lengths: Option<Vec<i32>> = lengths.map(<[i32]>::to_vec);
    let series = frame.kind == Kind::Series;
    let Some((_, tensor)) = frame.fields.get_mut(index) else {
        return;
    };
    let shape = tensor.shape().to_vec();
    let groups = match shape.as_slice() {
        [_, features] => *features,
        [_, .., features] if series => *features,
        _ => 1,
    };
    let width: usize = shape.iter().skip(1).product();
    // Steps behind the end of a sequence are padding: they do not count, and stay 0.
    let filled = |row: usize| match (&lengths, shape.len()) {
        (Some(lengths), 3) => lengths
            .get(row)
            .map_or(width, |&length| length.max(0) as usize * groups),
        _ => width,
    };
    let mut values = floats(tensor.elements());
    for group in 0..groups {
        let of_row = |&row: &u32| {
            let row = row as usize;
            (row * width + group..row * width + filled(row).min(width)).step_by(groups)
        };
        let chosen = training
            .iter()
            .flat_map(of_row)
            .filter_map(|at| values.get(at).copied());
        let affine = fit.affine(chosen.filter(|value| !value.is_nan()));
        for row in 0..shape.first().copied().unwrap_or(0) {
            for at in (row * width + group..row * width + filled(row).min(width)).step_by(groups) {
                if let Some(value) = values.get_mut(at) {
                    *value = affine.of(*value);
                }
            }
        }
    }
    let elements = match tensor.elements() {
        Elements::F64(_) => Elements::F64(values),
        Elements::F32(_) | Elements::I32(_) | Elements::Bool(_) | Elements::U8(_) => {
            Elements::F32(values.into_iter().map(|value| value as f32).collect())
        }
    };
    if let Some(changed) = Tensor::new(shape, elements) {
        *tensor = changed;
    }
}

/// Fills missing numbers, and missing texts of columns.
pub(super) fn fill_missing(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let by = arguments.positional.first();
    let value = |present: Vec<f64>| match by {
        Some(DataOption::Number(value)) => Ok(*value),
        None => Ok(mean(&present)),
        Some(DataOption::Text(name)) if name == "mean" => Ok(mean(&present)),
        Some(DataOption::Text(name)) if name == "median" => Ok(median(present)),
        Some(_) => Err(fault_help(
            "`fill_missing` takes a number, \"mean\" or \"median\"",
            "write fill_missing(\"median\")",
        )),
    };
    let training = frame.training_rows();
    let only = arguments.text("column")?;
    if let Some(table) = &mut frame.table {
        // A number fills no text.
        let texts = match by {
            Some(DataOption::Number(_)) => Vec::new(),
            Some(_) | None => texts_of(table, only, context),
        };
        for &index in &texts {
            if let Some(column) = table.columns.get_mut(index) {
                fill_texts(column, &training);
            }
        }
        if only.is_some() && !texts.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = only.into_iter().collect();
        for index in columns_of(table, "fill_missing", &names, context)? {
            let Some(column) = table.columns.get_mut(index) else {
                continue;
            };
            let present = training
                .iter()
                .filter_map(|&row| column.numbers.get(row as usize).copied());
            let fill = value(present.filter(|value| !value.is_nan()).collect())?;
            for row in 0..column.numbers.len() {
                let missing = column.is_missing(row as u32);
                if let Some(cell) = column.numbers.get_mut(row).filter(|_| missing) {
                    *cell = fill;
                }
            }
        }
        return Ok(());
    }
    fill_field(frame, only.unwrap_or("x"), &training, value)
}

/// The columns of text that are features, or the one named.
fn texts_of(table: &Columns, only: Option<&str>, context: &Context<'_>) -> Vec<usize> {
    let is_chosen = |column: &Column| match only {
        Some(name) => column.name == name,
        None => !(table.targets.contains(&column.name) || context.reserved.contains(&column.name)),
    };
    let columns = table.columns.iter().enumerate();
    columns
        .filter(|(_, column)| column.is_text() && is_chosen(column))
        .map(|(index, _)| index)
        .collect()
}

/// Fills what is missing in a column of text with its most frequent value in the training part, of equal ones the first by name.
fn fill_texts(column: &mut Column, training: &[u32]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for key in training.iter().filter_map(|&row| column.key(row)) {
        *counts.entry(key).or_default() += 1;
    }
    // The last of equals is kept: backwards, the first by name.
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    let Some((fill, _)) = most else {
        return;
    };
    for row in 0..column.numbers.len() as u32 {
        if column.is_missing(row) {
            column.texts.insert(row, fill.clone());
        }
    }
}

/// Fills the missing numbers of a field, each column of a table by its own value.
fn fill_field(
    frame: &mut Frame,
    name: &str,
    training: &[u32],
    value: impl Fn(Vec<f64>) -> Result<f64, DataError>,
) -> Result<(), DataError> {
    let index = frame.field(name, "fill_missing")?;
    let Some((_, tensor)) = frame.fields.get_mut(index) else {
        return Ok(());
    };
    let width: usize = tensor.shape().iter().skip(1).product();
    let groups = if tensor.shape().len() == 2 { width } else { 1 };
    for group in 0..groups {
        let of_row =
            |&row: &u32| (row as usize * width + group..(row as usize + 1) * width).step_by(groups);
        let present = training
            .iter()
            .flat_map(of_row)
            .filter_map(|at| tensor.get(at));
        let fill = value(present.filter(|value| !value.is_nan()).collect())?;
        match tensor.elements_mut() {
            Elements::F32(values) => values
                .iter_mut()
                .skip(group)
                .step_by(groups)
                .filter(|v| v.is_nan())
                .for_each(|v| *v = fill as f32),
            Elements::F64(values) => values
                .iter_mut()
                .skip(group)
                .step_by(groups)
                .filter(|v| v.is_nan())
                .for_each(|v| *v = fill),
            Elements::I32(_) | Elements::Bool(_) | Elements::U8(_) => {}
        }
    }
    Ok(())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The middle value, or the mean of the two middle ones; NaN of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.get(middle.wrapping_sub(1))) {
        (Some(&upper), Some(&lower)) if values.len().is_multiple_of(2) => (lower + upper) / 2.0,
        (Some(&upper), _) => upper,
        (None, _) => f64::NAN,
    }
}

/// Classes as indicators.
pub(super) fn one_hot(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let name = arguments
        .texts()?
        .first()
        .copied()
        .unwrap_or("y")
        .to_string();
    let training = frame.training_rows();
    let used = frame.used();
    let outside = frame.outside;
    if let Some(table) = &mut frame.table {
        let is_target = table.targets.contains(&name) || context.reserved.contains(&name);
        if !is_target && table.columns.iter().any(|column| column.name == name) {
            known_outside(table, &name, &training, outside)?;
            return indicator_columns(table, &name, &training, &used, context);
        }
    }
    // A target column may be named by its own name; it is `y` by now.
    let is_target = frame
        .table
        .as_ref()
        .is_some_and(|table| table.targets.contains(&name));
    frame.join()?;
    let field = if is_target { "y" } else { name.as_str() };
    one_hot_field(
        frame,
        field,
        &training,
        &used,
        arguments.count(None, "classes", 1)?,
        context,
    )
}

/// Refuses a row from outside of the program whose value the training part does not have: the model has learned nothing of it.
fn known_outside(
    table: &Columns,
    name: &str,
    training: &[u32],
    outside: Option<usize>,
) -> Result<(), DataError> {
    let Some(start) = outside else {
        return Ok(());
    };
    let Some(column) = table.columns.get(table.index(name, "one_hot")?) else {
        return Ok(());
    };
    let values: BTreeSet<String> = training.iter().filter_map(|&row| column.key(row)).collect();
    for row in start..table.rows {
        let key = column.key(row as u32);
        if key.as_ref().is_some_and(|key| values.contains(key)) {
            continue;
        }
        let found = key.map_or("the value is missing".into(), |key| {
            format!("{key:?} is not a value of the training part")
        });
        let few: Vec<&str> = values.iter().take(8).map(String::as_str).collect();
        let more = if values.len() > few.len() {
            ", ..."
        } else {
            ""
        };
        return Err(fault_help(
            format!("{}, column \"{name}\": {found}", table.place(row as u32)),
            format!("the program has learned from {}{more}", few.join(", ")),
        ));
    }
    Ok(())
}

/// Replaces a column by one of zeros and ones for each of its values in the training part.
fn indicator_columns(
    table: &mut Columns,
    name: &str,
    training: &[u32],
    used: &[bool],
    context: &Context<'_>,
) -> Result<(), DataError> {
    let index = table.index(name, "one_hot")?;
    let Some(column) = table.columns.get(index) else {
        return Ok(());
    };
    let values: BTreeSet<String> = training.iter().filter_map(|&row| column.key(row)).collect();
    for row in (0..table.rows as u32).filter(|&row| used.get(row as usize) == Some(&true)) {
        match column.key(row) {
            Some(key) if values.contains(&key) => {}
            Some(key) => {
                let message = format!(
                    "{}, column \"{name}\": {key:?} is not a value of the training part",
                    table.place(row)
                );
                return Err(fault_help(
                    message,
                    format!("stratify the split: split(..., stratify = \"{name}\")"),
                ));
            }
            None => {
                let message = format!(
                    "{}, column \"{name}\": the value is missing",
                    table.place(row)
                );
                let help = match column.is_text() {
                    true => "add fill_missing or drop_missing before `one_hot`",
                    false => "add drop_missing to the pipe",
                };
                return Err(fault_help(message, help));
            }
        }
    }
    context.files.allow(
        &[values.len(), table.rows],
        8,
        &format!("{}: `one_hot`", file(table)),
    )?;
    let indicator = |value: &String| Column {
        name: format!("{name}={value}"),
        numbers: (0..table.rows as u32)
            .map(|row| f64::from(u8::from(column.key(row).as_ref() == Some(value))))
            .collect(),
        texts: BTreeMap::new(),
        flags: false,
    };
    let columns: Vec<Column> = values.iter().map(indicator).collect();
    table.columns.splice(index..=index, columns);
    Ok(())
}

fn one_hot_field(
    frame: &mut Frame,
    name: &str,
    training: &[u32],
    used: &[bool],
    asked: Option<usize>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let index = frame.field(name, "one_hot")?;
    let file = frame.name.clone();
    let known = frame
        .classes
        .iter()
        .find(|(field, _)| field == name)
        .map(|(_, names)| names.len());
    let Some((_, tensor)) = frame.fields.get_mut(index) else {
        return Ok(());
    };
    let numbers = tensor.to_f64();
    if tensor.shape().len() != 1
        || numbers
            .iter()
            .any(|number| number.fract() != 0.0 || *number < 0.0)
    {
        let message = format!(
            "{file}: `one_hot` wants class numbers [n], and `{name}` is {}",
            tensor.ty()
        );
        return Err(fault_help(
            message,
            "target(\"column\", classes = true) makes class numbers of a column",
        ));
    }
    let largest = training
        .iter()
        .filter_map(|&row| numbers.get(row as usize))
        .fold(-1.0f64, |most, &number| most.max(number));
    let classes = asked.or(known).unwrap_or((largest + 1.0).max(0.0) as usize);
    let rows = numbers.len();
    let count = context.files.allow(&[rows, classes], 4, &file)?;
    let mut out = vec![0.0f32; count];
    for (row, &number) in numbers.iter().enumerate() {
        let cells = out.get_mut(row * classes..(row + 1) * classes);
        match cells.and_then(|cells| cells.get_mut(number as usize)) {
            Some(cell) => *cell = 1.0,
            None if used.get(row) != Some(&true) => {}
            None => {
                let message = format!(
                    "{file}, row {}, `{name}`: the class {number} is not below {classes}",
                    row + 1
                );
                let help = format!(
                    "if there are more classes, write one_hot(\"{name}\", classes = {})",
                    number + 1.0
                );
                return Err(fault_help(message, help));
            }
        }
    }
    if let Some(changed) = Tensor::new([rows, classes], Elements::F32(out)) {
        *tensor = changed;
    }
    Ok(())
}
