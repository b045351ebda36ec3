//! What a file of data holds, before any program reads it: columns or arrays, their kinds, ranges, missing values, classes, histograms.
use super::arguments::Arguments;
use super::dates::{self, Order, Writing};
use super::files::{Files, Policy};
use super::frame::{Column, Frame};
use super::{readers, safetensors};
use crate::base::data::{DataError, DataOption};
use crate::base::tensor::{Elements, Tensor};
use std::collections::HashMap;

/// Bins of a histogram.
pub const BINS: usize = 10;

/// Distinct values up to which a column counts as classes.
const MOST_CLASSES: usize = 20;

/// A file, or several that a pattern names.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The reader that takes it: `csv`, `npz`, ...; `safetensors` for weights, which no reader of data takes.
    pub reader: &'static str,
    /// Rows of a table, examples of arrays, characters of a text; `None` for weights.
    pub rows: Option<usize>,
    /// Whether a first column without a name is left out.
    pub unnamed: bool,
    /// Its columns, or its arrays.
    pub columns: Vec<Facts>,
}

/// What the elements of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers.
    Number,
    /// Whole numbers.
    Whole,
    /// `true` and `false`.
    Flag,
    /// Dates; numbers of them are days since 1970-01-01.
    Date,
    /// Text.
    Text,
}

impl Kind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Whole => "integer",
            Kind::Flag => "boolean",
            Kind::Date => "date",
            Kind::Text => "text",
        }
    }
}

/// A column of a table, or an array.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// What its elements are.
    pub kind: Kind,
    /// Sizes of an array; none for a column.
    pub shape: Vec<usize>,
    /// Cells that are empty, NaN or infinite.
    pub missing: usize,
    /// Cells of text in a column of numbers, and what is no date in one of dates.
    pub stray: usize,
    /// What such cells hold and how often, the most frequent first.
    pub strays: Vec<(String, usize)>,
    /// How dates are written.
    pub writing: Option<Writing>,
    /// Of the numbers, where there are any.
    pub range: Option<Range>,
    /// Different values.
    pub distinct: usize,
    /// The values and how often each occurs, the most frequent first, where they are few.
    pub values: Vec<(String, usize)>,
    /// How many numbers fall into each of [`BINS`] equal parts of the range.
    pub histogram: Vec<usize>,
}

/// Of the numbers of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (population).
    pub deviation: f64,
}

/// How a table of text is written, where its file does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialect {
    /// The character between cells.
    pub separator: Option<String>,
    /// One more spelling of a missing value.
    pub missing: Option<String>,
    /// Whether the first line is data.
    pub headless: bool,
}

/// Looks at a file, or at those that a pattern names. Which reader takes it is known by its name, else by how it begins.
///
/// # Errors
/// A file that is not there or malformed.
pub fn survey(path: &str, dialect: &Dialect) -> Result<Survey, DataError> {
    let policy = Policy::anywhere();
    let files = Files {
        policy: &policy,
        base_dir: "",
    };
    #[cfg(feature = "images")]
    if files.list(path)?.is_some() || super::images::is_picture(path) {
        return pictures(&files, path);
    }
    let first = files.expand(path)?;
    let first = first.first().map_or(path, String::as_str);
    let reader = match by_name(first) {
        Some(reader) => reader,
        None => by_content(&files.read_any(first, policy.limit)?),
    };
    let mut named = Vec::new();
    if reader == "csv" {
        let text = |text: &String| DataOption::Text(text.clone());
        let options = [
            ("separator", &dialect.separator),
            ("missing", &dialect.missing),
        ];
        for (name, value) in options {
            named.extend(value.iter().map(|value| (name.to_string(), text(value))));
        }
        if dialect.headless {
            named.push(("header".to_string(), DataOption::Flag(false)));
        }
    }
    let arguments = Arguments {
        name: reader,
        positional: &[],
        named: &named,
    };
    let paths = [path.to_string()];
    match reader {
        "text" => text(&files, path),
        "safetensors" => {
            let tensors = safetensors::load(path)?;
            let arrays = tensors.iter().map(|(name, tensor)| array(name, tensor));
            Ok(Survey {
                reader,
                rows: None,
                unnamed: false,
                columns: arrays.collect(),
            })
        }
        _ => Ok(of_frame(
            reader,
            &readers::read(&files, &paths, &arguments)?,
        )),
    }
}

fn by_name(path: &str) -> Option<&'static str> {
    let name = path.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending {
        "csv" | "tsv" => "csv",
        "jsonl" | "ndjson" | "json" => "jsonl",
        "parquet" | "pq" => "parquet",
        "npy" => "npy",
        "npz" => "npz",
        "txt" | "md" | "dlm" => "text",
        "safetensors" => "safetensors",
        "idx" => "idx",
        _ => return None,
    })
}

fn by_content(bytes: &[u8]) -> &'static str {
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    match bytes {
        [0x93, b'N', b'U', b'M', ..] => "npy",
        [b'P', b'A', b'R', b'1', .., b'P', b'A', b'R', b'1'] => "parquet",
        [b'P', b'K', 3, 4, ..] => "npz",
        [0, 0, 8..=14, 1..=255, ..] => "idx",
        [b'{' | b'[', ..] => "jsonl",
        _ if line.contains(&b',') || line.contains(&b'\t') || line.contains(&b';') => "csv",
        _ => "text",
    }
}

fn of_frame(reader: &'static str, frame: &Frame) -> Survey {
    let columns = match &frame.table {
        Some(table) => table
            .columns
            .iter()
            .map(|column| of_column(column, table.rows))
            .collect(),
        None => {
            let fields = frame.fields.iter();
            fields.map(|(name, tensor)| array(name, tensor)).collect()
        }
    };
    Survey {
        reader,
        rows: Some(frame.rows()),
        unnamed: frame.table.as_ref().is_some_and(|table| table.unnamed),
        columns,
    }
}

#[cfg(feature = "images")]
fn pictures(files: &Files<'_>, path: &str) -> Result<Survey, DataError> {
    let (classes, sizes) = super::images::counts(files, path)?;
    let count = sizes.iter().map(|(_, count)| count).sum();
    let facts = |name: &str, counts: Vec<(String, usize)>| Facts {
        name: name.into(),
        kind: Kind::Text,
        shape: vec![count],
        missing: 0,
        stray: 0,
        strays: Vec::new(),
        writing: None,
        range: None,
        distinct: counts.len(),
        values: by_count(counts).into_iter().take(MOST_CLASSES).collect(),
        histogram: Vec::new(),
    };
    let mut columns = vec![facts("height x width", sizes)];
    if !classes.is_empty() {
        columns.push(facts("class", classes));
    }
    Ok(Survey {
        reader: "images",
        rows: Some(count),
        unnamed: false,
        columns,
    })
}

fn text(files: &Files<'_>, path: &str) -> Result<Survey, DataError> {
    let mut counts: HashMap<char, usize> = HashMap::new();
    let mut lines = 0;
    for path in files.expand(path)? {
        let text = files.text(&path)?;
        lines += text.lines().count();
        for character in text.chars() {
            *counts.entry(character).or_default() += 1;
        }
    }
    let characters = counts.values().sum();
    let shown = counts
        .into_iter()
        .map(|(character, count)| (format!("{character:?}"), count));
    let values = by_count(shown.collect());
    let tokens = Facts {
        name: "tokens".into(),
        kind: Kind::Text,
        shape: vec![characters],
        missing: 0,
        stray: 0,
        strays: Vec::new(),
        writing: None,
        range: None,
        distinct: values.len(),
        values: values.into_iter().take(MOST_CLASSES).collect(),
        histogram: Vec::new(),
    };
    let lines = Facts {
        name: "lines".into(),
        shape: vec![lines],
        distinct: 0,
        values: Vec::new(),
        ..tokens.clone()
    };
    Ok(Survey {
        reader: "text",
        rows: Some(characters),
        unnamed: false,
        columns: vec![tokens, lines],
    })
}

fn of_column(column: &Column, rows: usize) -> Facts {
    let texts = column.texts.values();
    let is_number = column.numbers.iter().any(|number| !number.is_nan());
    let writing = dates::writing(texts.clone()).filter(|_| column.is_text() && !is_number);
    let kind = match column.is_text() {
        true if writing.is_some() => Kind::Date,
        true => Kind::Text,
        false if column.flags && is_number => Kind::Flag,
        false => number_kind(&column.numbers),
    };
    let order = writing.map_or(Order::Ymd, |writing| writing.order);
    let numbers: Vec<f64> = match kind {
        Kind::Date => texts
            .clone()
            .filter_map(|text| dates::day(text, order))
            .collect(),
        Kind::Text => Vec::new(),
        Kind::Number | Kind::Whole | Kind::Flag => finite(&column.numbers),
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    for key in (0..rows as u32).filter_map(|row| column.key(row)) {
        let key = if kind == Kind::Flag { flag(&key) } else { key };
        *counts.entry(key).or_default() += 1;
    }
    let missing = (0..rows as u32).filter(|&row| column.is_missing(row));
    let mut strays: HashMap<String, usize> = HashMap::new();
    for text in texts {
        let is_stray = match kind {
            Kind::Text => false,
            Kind::Date => dates::day(text, order).is_none(),
            Kind::Number | Kind::Whole | Kind::Flag => true,
        };
        if is_stray {
            *strays.entry(text.clone()).or_default() += 1;
        }
    }
    let facts = facts(
        column.name.clone(),
        (kind, Vec::new()),
        missing.count(),
        &numbers,
        counts,
    );
    Facts {
        stray: strays.values().sum(),
        strays: by_count(strays.into_iter().collect())
            .into_iter()
            .take(MOST_CLASSES)
            .collect(),
        writing,
        ..facts
    }
}

fn array(name: &str, tensor: &Tensor) -> Facts {
    let values = tensor.to_f64();
    let numbers = finite(&values);
    let kind = match tensor.elements() {
        Elements::F32(_) | Elements::F64(_) => Kind::Number,
        Elements::I32(_) | Elements::U8(_) => Kind::Whole,
        Elements::Bool(_) => Kind::Flag,
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    if kind != Kind::Number && tensor.shape().len() <= 1 {
        for number in &numbers {
            let key = format!("{number}");
            let key = if kind == Kind::Flag { flag(&key) } else { key };
            *counts.entry(key).or_default() += 1;
        }
    }
    let shape = tensor.shape().to_vec();
    let missing = values.len() - numbers.len();
    facts(name.to_string(), (kind, shape), missing, &numbers, counts)
}

/// The word for a boolean that is kept as a number.
fn flag(number: &str) -> String {
    (number == "1").to_string()
}

fn finite(numbers: &[f64]) -> Vec<f64> {
    let finite = numbers.iter().copied();
    finite.filter(|number| number.is_finite()).collect()
}

fn number_kind(numbers: &[f64]) -> Kind {
    let mut there = numbers.iter().filter(|number| !number.is_nan());
    match there.all(|number| number.fract() == 0.0) {
        true => Kind::Whole,
        false => Kind::Number,
    }
}

/// The most frequent first, equal ones by name.
fn by_count(mut counts: Vec<(String, usize)>) -> Vec<(String, usize)> {
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

fn facts(
    name: String,
    (kind, shape): (Kind, Vec<usize>),
    missing: usize,
    numbers: &[f64],
    counts: HashMap<String, usize>,
) -> Facts {
    let distinct = counts.len();
    let few = match kind {
        Kind::Number => false,
        Kind::Date => distinct <= MOST_CLASSES / 2,
        Kind::Whole | Kind::Flag => distinct <= MOST_CLASSES,
        // The most frequent of many show what the column is about.
        Kind::Text => true,
    };
    let values = match few {
        true => by_count(counts.into_iter().collect()),
        false => Vec::new(),
    };
    let range = range(numbers);
    Facts {
        name,
        kind,
        shape,
        missing,
        stray: 0,
        strays: Vec::new(),
        writing: None,
        range,
        distinct,
        values: values.into_iter().take(MOST_CLASSES).collect(),
        histogram: range.map_or_else(Vec::new, |range| histogram(numbers, range)),
    }
}

fn range(numbers: &[f64]) -> Option<Range> {
    if numbers.is_empty() {
        return None;
    }
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let squares = numbers.iter().map(|number| (number - mean).powi(2));
    Some(Range {
        low: numbers.iter().copied().fold(f64::INFINITY, f64::min),
        high: numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        mean,
        deviation: (squares.sum::<f64>() / count).sqrt(),
    })
}

fn histogram(numbers: &[f64], range: Range) -> Vec<usize> {
    let mut bins = vec![0; BINS];
    for number in numbers {
        // The share of a constant column is NaN, which becomes bin 0.
        let share = (number - range.low) / (range.high - range.low);
        let bin = ((share * BINS as f64) as usize).min(BINS - 1);
        bins[bin] += 1;
    }
    bins
}
