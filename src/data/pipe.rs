//! Evaluation of a whole pipe, with statistics from the training part only.
//!
//! A transform that takes statistics (`standardize`, `scale`, `fill_missing`, `one_hot`) may stand before the `split`
//! that says which rows are for training. So where one does, the pipe is walked twice: first as far as its last
//! `split`, to learn which rows of the file reach the training part (through windows and sequences also), then from
//! the start again, each statistic looking at these rows only. Which rows a `split` gives to which part depends on
//! their number and classes, never on values that a statistic changes, so both walks split alike. The order of the
//! transforms is kept.
//!
//! `target` and `sequences` name columns that are not features; a `standardize` before them leaves those alone, as
//! one after them would.
use super::arguments::{Arguments, whole};
use super::files::Files;
use super::frame::{Frame, Kind, divide};
use super::transforms::{self, Context, Statistic};
use super::{fault, npy, readers, text};
use crate::base::data::{DataError, DataOption, DataSet, DataSource, DataSpec, Table, Transform};
use crate::base::tensor::Tensor;
use std::sync::Arc;

/// Evaluates a pipe.
pub(super) fn evaluate(files: &Files<'_>, spec: &DataSpec) -> Result<DataSet, DataError> {
    for (stage, transform) in spec.transforms.iter().enumerate() {
        transforms::check(transform).map_err(|error| DataError {
            stage: Some(stage),
            ..error
        })?;
    }
    let source = open(files, &spec.source)?;
    finish(transformed(files, source, spec)?)
}

/// Does to the rows of a source what the pipe says.
pub(super) fn transformed(
    files: &Files<'_>,
    source: Frame,
    spec: &DataSpec,
) -> Result<Frame, DataError> {
    with_further(files, source, spec, Vec::new()).map(|(frame, _)| frame)
}

/// The part that rows from outside of the program are while sequences are made of them.
pub(super) const FURTHER: &str = "further rows";

/// The same with rows that belong to no part: sequences are made of them too, by themselves. Also gives the numbers of these sequences.
pub(super) fn with_further(
    files: &Files<'_>,
    source: Frame,
    spec: &DataSpec,
    further: Vec<u32>,
) -> Result<(Frame, Vec<u32>), DataError> {
    let mut context = Context {
        files,
        reserved: reserved(&spec.transforms),
        contiguous: spec
            .transforms
            .iter()
            .any(|transform| transform.name == "windows"),
        track: false,
    };
    let last_split = spec
        .transforms
        .iter()
        .rposition(|transform| transform.name == "split");
    let before = spec
        .transforms
        .get(..last_split.unwrap_or(0))
        .unwrap_or_default();
    let mut frame = source;
    if before
        .iter()
        .any(|transform| transforms::statistic(transform) != Statistic::None)
    {
        context.track = true;
        let upto = spec
            .transforms
            .get(..=last_split.unwrap_or(0))
            .unwrap_or_default();
        frame.training = Some(training_mask(frame.clone(), upto, &context)?);
        context.track = false;
    }
    let mut further = further;
    for (stage, transform) in spec.transforms.iter().enumerate() {
        let sequences = transform.name == "sequences" && !further.is_empty();
        if sequences {
            frame
                .parts
                .push((FURTHER.into(), std::mem::take(&mut further)));
        }
        transforms::apply(&mut frame, transform, &context).map_err(|error| DataError {
            stage: Some(stage),
            ..error
        })?;
        if sequences {
            let made = frame.parts.pop();
            further = made.map_or(Vec::new(), |(_, rows)| rows);
        }
    }
    Ok((frame, further))
}

pub(super) fn open(files: &Files<'_>, source: &DataSource) -> Result<Frame, DataError> {
    match source {
        DataSource::Reader {
            name,
            paths,
            options,
        } => readers::read(
            files,
            paths,
            &Arguments {
                name,
                positional: &[],
                named: options,
            },
        ),
        DataSource::Tensors(fields) => {
            let rows = npy::common_rows("data", fields)?;
            let mut frame = Frame::new("data".to_string(), rows, None)?;
            for (index, (name, _)) in fields.iter().enumerate() {
                if fields
                    .iter()
                    .take(index)
                    .any(|(earlier, _)| earlier == name)
                {
                    return Err(fault(format!("data: the field `{name}` is given twice")));
                }
            }
            frame.fields = fields.clone();
            Ok(frame)
        }
    }
}

/// The columns that some transform of the pipe names as a target or as the key of sequences.
pub(super) fn reserved(transforms: &[Transform]) -> Vec<String> {
    let mut names = Vec::new();
    for transform in transforms {
        let options = transform.options.iter().map(|(_, value)| value);
        match transform.name.as_str() {
            "target" => collect_texts(transform.arguments.iter(), &mut names),
            "sequences" => collect_texts(transform.arguments.iter().chain(options), &mut names),
            _ => {}
        }
    }
    names
}

pub(super) fn collect_texts<'a>(
    values: impl Iterator<Item = &'a DataOption>,
    names: &mut Vec<String>,
) {
    for value in values {
        match value {
            DataOption::Text(text) => names.push(text.clone()),
            DataOption::List(items) => collect_texts(items.iter(), names),
            DataOption::Number(_) | DataOption::Flag(_) => {}
        }
    }
}

/// For each row of the source, whether the training part is made of it.
fn training_mask(
    mut frame: Frame,
    transforms: &[Transform],
    context: &Context<'_>,
) -> Result<Vec<bool>, DataError> {
    let mut mask = vec![false; frame.rows()];
    // Numbers do not matter on this walk.
    for transform in transforms
        .iter()
        .filter(|transform| transforms::statistic(transform) != Statistic::Values)
    {
        transforms::apply(&mut frame, transform, context)?;
    }
    let mut mark = |row: u32| {
        if let Some(flag) = mask.get_mut(row as usize) {
            *flag = true;
        }
    };
    for row in frame.training_rows() {
        match frame
            .origins
            .as_ref()
            .map(|origins| origins.get(row as usize))
        {
            Some(Some(origin)) => origin.iter().for_each(|&row| mark(row)),
            Some(None) => {}
            None => mark(row),
        }
    }
    Ok(mask)
}

/// Joins what is left to join and cuts the rows into parts.
fn finish(mut frame: Frame) -> Result<DataSet, DataError> {
    frame.join()?;
    for (part, rows) in &frame.parts {
        if rows.is_empty() {
            let which = if part.is_empty() {
                String::new()
            } else {
                format!(" in part `{part}`")
            };
            return Err(fault(format!(
                "{}: the data set is empty: no row is left{which}",
                frame.name
            )));
        }
    }
    let vocabulary = text::encode(&mut frame)?;
    let summary = summary(&frame, vocabulary.len());
    let whole_file = |rows: &[u32]| {
        rows.len() == frame.rows() && rows.iter().zip(0..).all(|(&row, at)| row == at)
    };
    let parts = match frame.parts.as_slice() {
        [(name, rows)] if whole_file(rows) => vec![(
            name.clone(),
            Arc::new(Table {
                fields: frame.fields,
            }),
        )],
        parts => {
            let rows: Vec<&[u32]> = parts.iter().map(|(_, rows)| rows.as_slice()).collect();
            let mut tables: Vec<Vec<(String, Tensor)>> = vec![Vec::new(); parts.len()];
            // A field is no longer there once it is divided: not all of them are in memory twice.
            for (name, tensor) in frame.fields {
                for (table, part) in tables.iter_mut().zip(divide(tensor, &rows)) {
                    table.push((name.clone(), part));
                }
            }
            let tables = tables.into_iter().map(|fields| Arc::new(Table { fields }));
            let names = parts.iter().map(|(name, _)| name.clone());
            names.zip(tables).collect()
        }
    };
    Ok(DataSet {
        parts,
        classes: frame.classes,
        vocabulary,
        summary,
    })
}

/// `iris.csv: 150 rows, 4 columns, 3 classes (train 120, test 30)`.
fn summary(frame: &Frame, vocabulary: usize) -> String {
    let rows: usize = frame.parts.iter().map(|(_, rows)| rows.len()).sum();
    let mut facts = Vec::new();
    let shape = |name: &str| {
        frame
            .fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, tensor)| tensor.shape())
    };
    match (&frame.kind, shape("x")) {
        (Kind::Text(_), _) => {
            let windows = frame
                .fields
                .first()
                .and_then(|(_, tensor)| tensor.shape().get(1));
            facts.push(windows.map_or(format!("{rows} characters"), |length| {
                format!("{rows} windows of {length} characters")
            }));
            facts.push(format!("vocabulary of {vocabulary}"));
        }
        (Kind::Series, Some([_, steps, features])) => facts.push(format!(
            "{rows} series of up to {steps} steps, {features} columns"
        )),
        (_, Some([_, columns])) => facts.push(format!("{rows} rows, {columns} columns")),
        (_, Some([_, channels, height, width])) => facts.push(match channels {
            1 => format!("{rows} images of {height}x{width}"),
            channels => format!("{rows} images of {channels}x{height}x{width}"),
        }),
        (_, _) => facts.push(format!("{rows} rows")),
    }
    facts.extend(
        frame
            .classes
            .iter()
            .take(1)
            .map(|(_, names)| format!("{} classes", names.len())),
    );
    let parts: Vec<String> = frame
        .parts
        .iter()
        .map(|(name, rows)| format!("{name} {}", rows.len()))
        .collect();
    match frame.parts.len() {
        1 => format!("{}: {}", frame.name, facts.join(", ")),
        _ => format!(
            "{}: {} ({})",
            frame.name,
            facts.join(", "),
            parts.join(", ")
        ),
    }
}

/// The number as a size, where it is one.
pub(super) fn size(number: f64) -> Option<usize> {
    whole(number)
        .filter(|&size| size <= u64::from(u32::MAX))
        .map(|size| size as usize)
}
