//! Further rows, as those of a data set were made: what a program did to its data is done to them too.
//!
//! The rows are put below those of the source and given to no part. Transforms take their statistics from the training part
//! and change every row, so the further ones come out as if they had been there, and the others as they were.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::{Column, Columns, Frame, Kind, gather};
#[cfg(feature = "images")]
use super::images;
use super::{
    FileProvider, columns, csv, did_you_mean, fault, fault_help, files, idx, jsonl, npy, pipe,
    readers,
};
use crate::base::data::{DataError, DataOption, DataSource, DataSpec, Transform};
use crate::base::tensor::{Elements, Tensor};
use std::collections::{BTreeMap, HashSet};

/// Rows from outside of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, or a pattern of several that are read one below the other: `.csv`, `.jsonl`, `.parquet`, `.npy`, `.npz`; or an IDX file.
    File(String),
    /// The text of a table, and the name that messages give it.
    Text {
        /// The name.
        name: String,
        /// Lines of comma-separated values.
        text: String,
    },
}

/// What an input holds before the program's pipe.
enum Rows {
    Table(Columns),
    Array(Tensor),
}

impl FileProvider {
    /// The field `x` of further rows, made by the pipe of a data set; numbers as they are where there is none. The first dimension
    /// counts the rows.
    ///
    /// # Errors
    /// A file that cannot be read; a column that is missing, or text or nothing in a column of numbers; another number of columns;
    /// a pipe that makes several rows one.
    pub fn prepared(&self, spec: Option<&DataSpec>, input: &Input) -> Result<Tensor, DataError> {
        let here = files::Files {
            policy: &self.policy,
            base_dir: "",
        };
        let Some(spec) = spec else {
            return plain(&here, input);
        };
        let files = files::Files {
            policy: &self.policy,
            base_dir: &spec.base_dir,
        };
        let mut frame = pipe::open(&files, &spec.source)?;
        let rows = read(&here, input, &options(spec, &frame))?;
        let start = frame.rows();
        frame.outside = Some(start);
        let given = match rows {
            Rows::Table(given) => with_flags(given, frame.table.as_ref()),
            Rows::Array(given) => match &frame.table {
                None => {
                    append_fields(&mut frame, &given, input.name())?;
                    return finished(&files, frame, spec, start, None, input);
                }
                Some(table) => numbered(&given, table, spec, input.name())?,
            },
        };
        match &mut frame.table {
            Some(table) => append_columns(table, &given, spec)?,
            None => {
                let names: Vec<&Column> = given.columns.iter().collect();
                let all = vec![true; given.rows];
                let matrix = given.matrix(&names, &all, super::frame::Advice::Feature)?;
                append_fields(&mut frame, &matrix, input.name())?;
            }
        }
        finished(&files, frame, spec, start, Some(&given), input)
    }
}

/// Sequences from outside of a program, as those of its data set were made.
#[derive(Debug)]
pub struct Series {
    /// `[sequences, longest, d]`, zeros behind the end of each.
    pub rows: Tensor,
    /// How long each is.
    pub lengths: Vec<usize>,
    /// The key of each, in the order in which they appear.
    pub names: Vec<String>,
    /// The column of the keys.
    pub key: String,
}

impl FileProvider {
    /// The sequences of a table, where the pipe of a data set makes such: grouped by the same column, and otherwise prepared as its own.
    ///
    /// # Errors
    /// What [`FileProvider::prepared`] says of rows; a file that is no table.
    pub fn prepared_series(
        &self,
        spec: &DataSpec,
        input: &Input,
    ) -> Result<Option<Series>, DataError> {
        let Some(key) = key_of_sequences(spec) else {
            return Ok(None);
        };
        let files = |base_dir| Files {
            policy: &self.policy,
            base_dir,
        };
        let mut frame = pipe::open(&files(&spec.base_dir), &spec.source)?;
        let Rows::Table(given) = read(&files(""), input, &options(spec, &frame))? else {
            return Err(fault_help(
                format!(
                    "{}: the program makes sequences of the rows of a table",
                    input.name()
                ),
                "give a table, .csv, or `--raw` and an array, .npy, of the model's whole input",
            ));
        };
        let start = frame.rows();
        let Some(table) = &mut frame.table else {
            return Ok(None);
        };
        let given = with_flags(given, Some(table));
        append_columns(table, &given, spec)?;
        frame.outside = Some(start);
        let further: Vec<u32> = (start..frame.rows()).map(|row| row as u32).collect();
        let files = files(&spec.base_dir);
        let (frame, made) = pipe::with_further(&files, frame, spec, further)?;
        series(&frame, &made, (&given, key), input)
    }
}

/// The sequences of a frame that have these numbers.
fn series(
    frame: &Frame,
    made: &[u32],
    (given, key): (&Columns, String),
    input: &Input,
) -> Result<Option<Series>, DataError> {
    if frame.kind != Kind::Series {
        return Ok(None);
    }
    let field = |name: &str| {
        let found = frame.fields.iter().find(|(other, _)| other == name);
        found.map(|(_, tensor)| gather(tensor, made))
    };
    let (Some(rows), Some(lengths)) = (field("x"), field("lengths")) else {
        return Ok(None);
    };
    if let Some(at) = rows.to_f64().iter().position(|value| !value.is_finite()) {
        let width: usize = rows.shape().iter().skip(1).product();
        return Err(not_finite(at / width.max(1), Some(given), input));
    }
    let names = keys(given, &key);
    if names.len() != made.len() {
        return Err(fault(format!(
            "{}: {} sequences became {} in the program's pipe",
            input.name(),
            names.len(),
            made.len()
        )));
    }
    Ok(Some(Series {
        rows,
        lengths: lengths
            .to_f64()
            .into_iter()
            .map(|length| length as usize)
            .collect(),
        names,
        key,
    }))
}

/// The column by which a pipe makes sequences.
fn key_of_sequences(spec: &DataSpec) -> Option<String> {
    let transform = spec.transforms.iter().find(|t| t.name == "sequences")?;
    let named = transform.options.iter().find(|(name, _)| name == "by");
    match named
        .map(|(_, value)| value)
        .or(transform.arguments.first())
    {
        Some(DataOption::Text(name)) => Some(name.clone()),
        _ => None,
    }
}

/// The keys of a table in the order in which they appear.
fn keys(given: &Columns, name: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let column = given.columns.iter().find(|column| column.name == name);
    for row in 0..given.rows as u32 {
        if let Some(key) = column.and_then(|column| column.key(row))
            && known.insert(key.clone())
        {
            keys.push(key);
        }
    }
    keys
}

impl Input {
    /// What messages call it.
    pub fn name(&self) -> &str {
        match self {
            Input::File(name) | Input::Text { name, .. } => name,
        }
    }
}

/// The options of the program's reader that say how a table is written, or what pictures become.
fn options(spec: &DataSpec, frame: &Frame) -> Vec<(String, DataOption)> {
    let DataSource::Reader { name, options, .. } = &spec.source else {
        return Vec::new();
    };
    if name != "csv" && name != "images" {
        return Vec::new();
    }
    let options = options.iter().filter(|(name, _)| name != "test");
    let mut options: Vec<(String, DataOption)> = options.cloned().collect();
    // A grey picture goes to a model of coloured ones, and the other way round.
    let x = frame.fields.iter().find(|(field, _)| field == "x");
    if let ("images", Some([_, channels, _, _])) = (name.as_str(), x.map(|(_, x)| x.shape())) {
        options.retain(|(name, _)| name != "channels");
        options.push(("channels".into(), DataOption::Number(*channels as f64)));
    }
    options
}

fn read(
    files: &Files<'_>,
    input: &Input,
    options: &[(String, DataOption)],
) -> Result<Rows, DataError> {
    let arguments = Arguments {
        name: "csv",
        positional: &[],
        named: options,
    };
    let path = match input {
        Input::Text { name, text } => return csv::table(text, name, &arguments).map(Rows::Table),
        Input::File(path) => path,
    };
    #[cfg(feature = "images")]
    if images::is_picture(path) || std::path::Path::new(path).is_dir() {
        let arguments = Arguments {
            name: "images",
            ..arguments
        };
        let frame = images::read(files, std::slice::from_ref(path), &arguments)?;
        let index = frame.field("x", "the model's input")?;
        if let Some((_, x)) = frame.fields.into_iter().nth(index) {
            return Ok(Rows::Array(x));
        }
    }
    // What a pattern names is told by the first file.
    let first = files.expand(path)?.into_iter().next();
    let bare = first.as_ref().unwrap_or(path).to_ascii_lowercase();
    let bare = bare.trim_end_matches(".gz");
    let is = |endings: &[&str]| endings.iter().any(|ending| bare.ends_with(ending));
    let none = Arguments {
        name: "parquet",
        positional: &[],
        named: &[],
    };
    let paths = [path.clone()];
    let table = if is(&[".csv", ".tsv", ".txt"]) {
        Some(columns::read(files, &paths, &none, &|path| {
            csv::table(&files.text(path)?, path, &arguments)
        })?)
    } else if is(&[".jsonl", ".ndjson", ".json"]) {
        Some(columns::read(files, &paths, &none, &|path| {
            jsonl::table(files, &files.text(path)?, path)
        })?)
    } else if is(&[".parquet", ".pq"]) {
        Some(readers::read(files, &paths, &none)?)
    } else {
        None
    };
    if let Some(frame) = table {
        let table = frame.table.map(Rows::Table);
        return table.ok_or_else(|| fault(format!("{path}: there is no table")));
    }
    let frame = if bare.ends_with(".npy") {
        npy::read_npy(files, &paths, &none)?
    } else if bare.ends_with(".npz") {
        npy::read_npz(files, &paths, &none)?
    } else {
        idx::read(files, &paths, &none)?
    };
    let index = frame.field("x", "the model's input")?;
    match frame.fields.into_iter().nth(index) {
        Some((_, tensor)) => Ok(Rows::Array(tensor)),
        None => Err(fault(format!("{path}: there is no field `x`"))),
    }
}

/// The numbers of an input as they are.
fn plain(files: &Files<'_>, input: &Input) -> Result<Tensor, DataError> {
    match read(files, input, &[])? {
        Rows::Array(tensor) => Ok(tensor),
        Rows::Table(table) => {
            let table = with_flags(table, None);
            let columns: Vec<&Column> = table.columns.iter().collect();
            table.matrix(
                &columns,
                &vec![true; table.rows],
                super::frame::Advice::Feature,
            )
        }
    }
}

/// The rows with 1 and 0 for `true` and `false`, but in columns that are text to the program.
fn with_flags(mut given: Columns, table: Option<&Columns>) -> Columns {
    for column in &mut given.columns {
        let mut known = table.iter().flat_map(|table| &table.columns);
        let known = known.find(|known| known.name == column.name);
        if !known.is_some_and(Column::is_text) {
            column.words_to_flags();
        }
    }
    given
}

/// The columns of the program's file that it does not learn from: targets, and those that it drops or does not choose.
fn unused(table: &Columns, transforms: &[Transform]) -> Vec<String> {
    let mut unused = pipe::reserved(transforms);
    for transform in transforms {
        let mut names = Vec::new();
        pipe::collect_texts(transform.arguments.iter(), &mut names);
        match transform.name.as_str() {
            "drop" => unused.extend(names),
            // What makes sequences of rows is needed of further rows too.
            "sequences" => {
                let mut keys = names;
                let options = transform
                    .options
                    .iter()
                    .filter(|(name, _)| name != "target");
                pipe::collect_texts(options.map(|(_, value)| value), &mut keys);
                unused.retain(|name| !keys.contains(name));
            }
            "columns" | "select" => {
                let others = table.columns.iter().map(|column| &column.name);
                unused.extend(others.filter(|name| !names.contains(name)).cloned());
            }
            _ => {}
        }
    }
    unused
}

/// An array of as many columns as the program learns from, under their names.
fn numbered(
    given: &Tensor,
    table: &Columns,
    spec: &DataSpec,
    name: &str,
) -> Result<Columns, DataError> {
    let unused = unused(table, &spec.transforms);
    let names: Vec<&String> = table
        .columns
        .iter()
        .map(|column| &column.name)
        .filter(|name| !unused.contains(name))
        .collect();
    let rows = given.shape().first().copied().unwrap_or(0);
    let width: usize = given.shape().iter().skip(1).product();
    if width != names.len() {
        return Err(fault_help(
            format!(
                "{name}: {width} numbers in a row, the program learns from {}",
                names.len()
            ),
            format!("give the columns {}", listed(&names)),
        ));
    }
    let values = given.to_f64();
    let column = |(at, name): (usize, &&String)| Column {
        name: (*name).clone(),
        numbers: values.iter().skip(at).step_by(width).copied().collect(),
        texts: BTreeMap::new(),
        flags: false,
    };
    Ok(Columns {
        columns: names.iter().enumerate().map(column).collect(),
        targets: Vec::new(),
        as_classes: false,
        unnamed: false,
        rows,
        files: vec![(name.to_string(), 0)],
        lines: Vec::new(),
    })
}

fn listed(names: &[&String]) -> String {
    let shown: Vec<&str> = names.iter().take(12).map(|name| name.as_str()).collect();
    let more = if names.len() > 12 { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Puts the rows of a table below those of the program's. Columns go by name; those that nothing is learned from may be missing.
fn append_columns(table: &mut Columns, given: &Columns, spec: &DataSpec) -> Result<(), DataError> {
    let unused = unused(table, &spec.transforms);
    let file = given.files.first().map_or("", |(name, _)| name.as_str());
    let wanted: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| !unused.contains(&column.name))
        .collect();
    for column in &wanted {
        let other = given.columns.iter().find(|c| c.name == column.name);
        let Some(other) = other else {
            return Err(missing(&column.name, given, &wanted, file));
        };
        if !column.is_text()
            && let Some((row, text)) = other.texts.iter().next()
        {
            return Err(fault(format!(
                "{}, column \"{}\": {text:?} is not a number",
                given.place(*row),
                column.name
            )));
        }
    }
    let start = table.rows as u32;
    for column in &mut table.columns {
        match given.columns.iter().find(|c| c.name == column.name) {
            Some(other) if !unused.contains(&column.name) => {
                column.numbers.extend(&other.numbers);
                let texts = other.texts.iter();
                column
                    .texts
                    .extend(texts.map(|(row, text)| (row + start, text.clone())));
            }
            Some(_) | None => {
                let nothing = std::iter::repeat_n(f64::NAN, given.rows);
                column.numbers.extend(nothing);
            }
        }
    }
    table.rows += given.rows;
    let files = given.files.iter();
    table
        .files
        .extend(files.map(|(name, first)| (name.clone(), first + start as usize)));
    table.lines.extend(&given.lines);
    Ok(())
}

fn missing(name: &str, given: &Columns, wanted: &[&Column], file: &str) -> DataError {
    let names: Vec<&str> = given.columns.iter().map(|c| c.name.as_str()).collect();
    let help = match crate::base::diagnostic::nearest(name, names.iter().copied()) {
        Some(_) => did_you_mean(name, names, "columns"),
        None => {
            let wanted: Vec<&String> = wanted.iter().map(|column| &column.name).collect();
            format!(
                "its first line names the columns: the program learns from {}",
                listed(&wanted)
            )
        }
    };
    fault_help(
        format!("{file}: there is no column \"{name}\", which the program learns from"),
        help,
    )
}

/// Puts rows below the field `x`; the other fields get as many rows, which nobody looks at.
fn append_fields(frame: &mut Frame, given: &Tensor, name: &str) -> Result<(), DataError> {
    let rows = given.shape().first().copied().unwrap_or(0);
    let index = frame.field("x", "the model's input")?;
    for (at, (_, tensor)) in frame.fields.iter_mut().enumerate() {
        if at != index {
            let filler = gather(tensor, &vec![0; rows]);
            if let Some(longer) = npy::appended(tensor, &filler) {
                *tensor = longer;
            }
            continue;
        }
        let mut shape = tensor.shape().to_vec();
        let (of_row, width) = (
            given.shape().iter().skip(1).product::<usize>(),
            shape.iter().skip(1).product::<usize>(),
        );
        if of_row != width {
            return Err(fault(format!(
                "{name}: {of_row} numbers in a row, the program's data have {width} ({:?})",
                shape.get(1..).unwrap_or_default()
            )));
        }
        // Rows may be flat; sizes of their own must be the program's, or pixels would change places.
        if given.shape().len() == shape.len() && given.shape().get(1..) != shape.get(1..) {
            return Err(fault(format!(
                "{name}: rows of {:?}, the program's data have {:?}",
                given.shape().get(1..).unwrap_or_default(),
                shape.get(1..).unwrap_or_default()
            )));
        }
        if let Some(first) = shape.first_mut() {
            *first = rows;
        }
        let values = given.to_f64();
        if let Some(value) = values
            .iter()
            .find(|value| !fits(tensor.elements(), **value))
        {
            return Err(fault_help(
                format!(
                    "{name}: {value} is no element of the program's data, which are {}",
                    kind(tensor.elements())
                ),
                "give numbers as they stand in the program's file; with `--raw` they go to the model as they are",
            ));
        }
        let elements = match tensor.elements() {
            Elements::F64(_) => Elements::F64(values),
            Elements::F32(_) => Elements::F32(values.into_iter().map(|x| x as f32).collect()),
            Elements::I32(_) => Elements::I32(values.into_iter().map(|x| x as i32).collect()),
            Elements::U8(_) => Elements::U8(values.into_iter().map(|x| x as u8).collect()),
            Elements::Bool(_) => {
                Elements::Bool(values.into_iter().map(|x| u8::from(x != 0.0)).collect())
            }
        };
        let longer = Tensor::new(shape, elements).and_then(|more| npy::appended(tensor, &more));
        *tensor = longer.ok_or_else(|| fault(format!("{name}: the sizes disagree")))?;
    }
    Ok(())
}

/// Whether a number can stand among such elements without becoming another.
fn fits(elements: &Elements, value: f64) -> bool {
    match elements {
        Elements::F64(_) | Elements::F32(_) => true,
        Elements::I32(_) => f64::from(value as i32) == value,
        Elements::U8(_) => f64::from(value as u8) == value,
        Elements::Bool(_) => value == 0.0 || value == 1.0,
    }
}

/// What such elements may be.
fn kind(elements: &Elements) -> &'static str {
    match elements {
        Elements::F64(_) | Elements::F32(_) => "numbers",
        Elements::I32(_) => "whole numbers",
        Elements::U8(_) => "whole numbers from 0 to 255",
        Elements::Bool(_) => "0 and 1",
    }
}

/// Runs the pipe and takes the further rows out of `x`.
fn finished(
    files: &Files<'_>,
    frame: Frame,
    spec: &DataSpec,
    start: usize,
    given: Option<&Columns>,
    input: &Input,
) -> Result<Tensor, DataError> {
    let end = frame.rows();
    let mut frame = pipe::transformed(files, frame, spec)?;
    frame.join()?;
    if frame.kind != Kind::Rows || frame.rows() != end {
        return Err(fault_help(
            "the program makes windows or sequences of its rows, so a row alone is no input of its model",
            "give `--raw` and an array, .npy, of the model's whole input",
        ));
    }
    let index = frame.field("x", "the model's input")?;
    let rows: Vec<u32> = (start..end)
        .filter_map(|row| u32::try_from(row).ok())
        .collect();
    let tensor = frame.fields.get(index).map(|(_, x)| gather(x, &rows));
    let tensor = tensor.ok_or_else(|| fault("there is no field `x`"))?;
    let values = tensor.to_f64();
    let width: usize = tensor.shape().iter().skip(1).product();
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(tensor),
        Some(at) => Err(not_finite(at / width.max(1), given, input)),
    }
}

fn not_finite(row: usize, given: Option<&Columns>, input: &Input) -> DataError {
    let column = given.and_then(|table| {
        let mut columns = table.columns.iter();
        columns.find(|column| column.is_missing(row as u32))
    });
    let what = match column {
        Some(column) => format!("column \"{}\": the value is missing", column.name),
        None => "a number is missing or not finite".into(),
    };
    let place = match given {
        Some(table) => table.place(row as u32),
        None => format!("{}, row {}", input.name(), row + 1),
    };
    fault_help(
        format!("{place}, {what}"),
        "fill it in, or add fill_missing to the program's pipe and train again",
    )
}
