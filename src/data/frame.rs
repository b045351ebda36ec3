//! A data set on its way through the pipe: rows of columns or of tensors, and which rows each part has.
use super::{did_you_mean, fault, fault_help};
use crate::base::data::DataError;
use crate::base::tensor::{Elements, Tensor};
use std::collections::{BTreeMap, HashMap};

/// What the rows are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Independent examples.
    Rows,
    /// Windows or padded sequences `[n, t, d]`: the last dimension holds the features.
    Series,
    /// Characters, as code points until the pipe ends.
    Text(TextFacts),
}

/// What the end of the pipe needs to turn code points into tokens.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextFacts {
    /// The character that stands for those the training part does not have.
    pub(super) unknown: Option<char>,
    /// File and line where each character stands first.
    pub(super) first: HashMap<char, (String, usize)>,
}

/// Whether a text is a number with a comma for the point, `-1,5`.
fn has_decimal_comma(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let bare = text.trim().trim_start_matches('-');
    bare.split_once(',')
        .is_some_and(|(whole, part)| digits(whole) && digits(part))
}

/// The state of a pipe. Parts hold row numbers; the rows themselves stay where they are until the end.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The file, as errors and the summary name it.
    pub(super) name: String,
    /// Columns of a CSV file that are not yet joined to `x` and `y`.
    pub(super) table: Option<Columns>,
    /// Tensors with a common first dimension.
    pub(super) fields: Vec<(String, Tensor)>,
    /// The rows of each part, in order.
    pub(super) parts: Vec<(String, Vec<u32>)>,
    /// Rows that a later `split` gives to the training part; `None` where it is not to be looked at.
    pub(super) training: Option<Vec<bool>>,
    /// For each row the rows of the file that it is made of, where windows or sequences made it.
    pub(super) origins: Option<Vec<Vec<u32>>>,
    /// The first of the rows from outside of the program: they are in no part, and are prepared as its own.
    pub(super) outside: Option<usize>,
    /// Class names of class-valued fields.
    pub(super) classes: Vec<(String, Vec<String>)>,
    pub(super) kind: Kind,
    /// Whether `split` cut the rows.
    pub(super) cut: bool,
    /// Whether the rows are no longer in the order of the file.
    pub(super) shuffled: bool,
}

impl Frame {
    /// A frame of one part, or of `train` and `test` where rows from `test_start` on come from a test file.
    pub(super) fn new(
        name: String,
        rows: usize,
        test_start: Option<usize>,
    ) -> Result<Frame, DataError> {
        let Ok(count) = u32::try_from(rows) else {
            return Err(fault(format!(
                "{name}: {rows} rows are more than a data set may have"
            )));
        };
        let parts = match test_start.and_then(|start| u32::try_from(start).ok()) {
            Some(start) => {
                vec![
                    ("train".to_string(), (0..start).collect()),
                    ("test".to_string(), (start..count).collect()),
                ]
            }
            None => vec![(String::new(), (0..count).collect())],
        };
        Ok(Frame {
            name,
            table: None,
            fields: Vec::new(),
            parts,
            training: None,
            origins: None,
            outside: None,
            classes: Vec::new(),
            kind: Kind::Rows,
            cut: false,
            shuffled: false,
        })
    }

    /// Number of rows, whether or not a part has them.
    pub(super) fn rows(&self) -> usize {
        match (&self.table, self.fields.first()) {
            (Some(table), _) => table.rows,
            (None, Some((_, tensor))) => tensor.shape().first().copied().unwrap_or(0),
            (None, None) => 0,
        }
    }

    /// Index of the part that statistics come from: `train`, else the first.
    pub(super) fn training_part(&self) -> usize {
        self.parts
            .iter()
            .position(|(name, _)| name == "train")
            .unwrap_or(0)
    }

    /// The rows that statistics come from.
    pub(super) fn training_rows(&self) -> Vec<u32> {
        let rows = self
            .parts
            .get(self.training_part())
            .map(|(_, rows)| rows.as_slice())
            .unwrap_or_default();
        match &self.training {
            None => rows.to_vec(),
            Some(mask) => rows
                .iter()
                .copied()
                .filter(|&row| mask.get(row as usize) == Some(&true))
                .collect(),
        }
    }

    /// For each row, whether some part has it.
    pub(super) fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.rows()];
        for &row in self.parts.iter().flat_map(|(_, rows)| rows) {
            if let Some(flag) = used.get_mut(row as usize) {
                *flag = true;
            }
        }
        used
    }

    /// The tensor of a field, or an error with the nearest name.
    pub(super) fn field(&self, name: &str, by: &str) -> Result<usize, DataError> {
        self.fields
            .iter()
            .position(|(field, _)| field == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self
                    .fields
                    .iter()
                    .map(|(field, _)| field.as_str())
                    .collect();
                let help = did_you_mean(name, names, "fields");
                fault_help(
                    format!(
                        "{}: `{by}` names a field `{name}` that is not there",
                        self.name
                    ),
                    help,
                )
            })
    }

    /// Joins the columns of a CSV file to the fields `x` `[rows, columns]` and `y`; does nothing where that is done.
    pub(super) fn join(&mut self) -> Result<(), DataError> {
        let Some(table) = self.table.take() else {
            return Ok(());
        };
        let used = self.used_of(&table);
        let (features, targets) = table.roles();
        if !features.is_empty() {
            self.fields.push((
                "x".to_string(),
                table.matrix(&features, &used, Advice::Feature)?,
            ));
        }
        if let Some(tensor) = self.join_targets(&table, &targets, &used)? {
            self.fields.push(("y".to_string(), tensor));
        }
        match self.fields.is_empty() {
            true => Err(fault(format!("{}: no column is left", self.name))),
            false => Ok(()),
        }
    }

    fn used_of(&self, table: &Columns) -> Vec<bool> {
        let mut used = vec![false; table.rows];
        for &row in self.parts.iter().flat_map(|(_, rows)| rows) {
            if let Some(flag) = used.get_mut(row as usize) {
                *flag = true;
            }
        }
        used
    }

    fn join_targets(
        &mut self,
        table: &Columns,
        targets: &[&Column],
        used: &[bool],
    ) -> Result<Option<Tensor>, DataError> {
        match targets {
            [] => Ok(None),
            [target] if table.as_classes || target.is_text() => {
                let (numbers, names) = table.classes(target, used)?;
                self.classes.push(("y".to_string(), names));
                Ok(Tensor::new([table.rows], Elements::I32(numbers)))
            }
            [_] => Ok(table
                .matrix(targets, used, Advice::Target)?
                .reshaped([table.rows])),
            several => table.matrix(several, used, Advice::Target).map(Some),
        }
    }
}

/// The columns of a table: a CSV file, or records of JSON.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    /// Names of the target columns.
    pub(super) targets: Vec<String>,
    /// Whether a target of whole numbers is read as classes.
    pub(super) as_classes: bool,
    /// Whether a first column without a name was left out.
    pub(super) unnamed: bool,
    pub(super) rows: usize,
    /// The files and the row that each starts with.
    pub(super) files: Vec<(String, usize)>,
    /// The line of each row in its file.
    pub(super) lines: Vec<u32>,
}

/// One column. A cell is a number, a text, or missing (NaN and no text).
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) numbers: Vec<f64>,
    /// The cells that are neither numbers nor missing.
    pub(super) texts: BTreeMap<u32, String>,
    /// Whether its numbers are 1 and 0 for `true` and `false` of a file that has such, not numbers of the file.
    pub(super) flags: bool,
}

/// Most bytes of a cell of text: no number and no class needs as many.
pub(super) const LONGEST_CELL: usize = 65_536;

/// A cell on its way into a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A number; one that is not finite is text, as where it is written out, and NaN is missing.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
    /// Text; where there is none, the cell is missing.
    Text(&'a str),
}

/// What to suggest about a text cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Advice {
    Feature,
    Target,
}

impl Column {
    /// A column without cells.
    pub(super) fn new(name: String) -> Column {
        Column {
            name,
            numbers: Vec::new(),
            texts: BTreeMap::new(),
            flags: true,
        }
    }

    /// Puts a cell below the others. The caller keeps the count of rows within `u32`.
    pub(super) fn push(&mut self, cell: Cell<'_>) {
        let row = self.numbers.len() as u32;
        let mut number = f64::NAN;
        match cell {
            Cell::Missing | Cell::Text("") => {}
            Cell::Number(value) if value.is_nan() => {}
            Cell::Flag(flag) => number = f64::from(u8::from(flag)),
            Cell::Number(value) => {
                self.flags = false;
                match value.is_finite() {
                    true => number = value,
                    false => drop(self.texts.insert(row, value.to_string())),
                }
            }
            Cell::Text(text) => {
                self.flags = false;
                self.texts.insert(row, text.to_string());
            }
        }
        self.numbers.push(number);
    }

    /// Makes a column that holds nothing but `true` and `false`, in any case, one of 1 and 0.
    pub(super) fn words_to_flags(&mut self) {
        let flag = |text: &String| match text {
            _ if text.eq_ignore_ascii_case("true") => Some(1.0),
            _ if text.eq_ignore_ascii_case("false") => Some(0.0),
            _ => None,
        };
        let is_number = self.numbers.iter().any(|number| !number.is_nan());
        let flags: Option<Vec<f64>> = self.texts.values().map(flag).collect();
        let Some(flags) = flags.filter(|flags| !is_number && !flags.is_empty()) else {
            return;
        };
        for (&row, flag) in self.texts.keys().zip(flags) {
            if let Some(number) = self.numbers.get_mut(row as usize) {
                *number = flag;
            }
        }
        self.texts.clear();
        self.flags = true;
    }

    /// Whether this is a column of text: more than half of its cells that are not missing are no numbers.
    pub(super) fn is_text(&self) -> bool {
        let numbers = self
            .numbers
            .iter()
            .filter(|number| !number.is_nan())
            .count();
        self.texts.len() > numbers
    }

    /// Whether the cell is empty.
    pub(super) fn is_missing(&self, row: u32) -> bool {
        self.numbers
            .get(row as usize)
            .is_none_or(|number| number.is_nan())
            && !self.texts.contains_key(&row)
    }

    /// The cell as text; `None` where it is missing.
    pub(super) fn key(&self, row: u32) -> Option<String> {
        match (self.texts.get(&row), self.numbers.get(row as usize)) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(number)) if !number.is_nan() => Some(format!("{number}")),
            (None, _) => None,
        }
    }
}

impl Columns {
    /// The columns that become `x`, and the targets in the order they were named.
    pub(super) fn roles(&self) -> (Vec<&Column>, Vec<&Column>) {
        let features = self
            .columns
            .iter()
            .filter(|column| !self.targets.contains(&column.name))
            .collect();
        let targets = self
            .targets
            .iter()
            .filter_map(|name| self.columns.iter().find(|column| column.name == *name));
        (features, targets.collect())
    }

    /// The index of a column, or an error with the nearest name.
    pub(super) fn index(&self, name: &str, by: &str) -> Result<usize, DataError> {
        self.columns
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self
                    .columns
                    .iter()
                    .map(|column| column.name.as_str())
                    .collect();
                let file = self
                    .files
                    .first()
                    .map(|(file, _)| file.as_str())
                    .unwrap_or_default();
                let numbers = names.iter().all(|name| name.parse::<f64>().is_ok());
                let help = match numbers && !names.is_empty() {
                    true => format!(
                        "the first line of the file names the columns, and here it holds numbers, {}: add a line of names, or read it with `header = false`",
                        names.iter().take(4).copied().collect::<Vec<_>>().join(", ")
                    ),
                    false => did_you_mean(name, names, "columns"),
                };
                fault_help(
                    format!("{file}: `{by}` names a column \"{name}\" that is not there"),
                    help,
                )
            })
    }

    /// `iris.csv, row 7`: rows count from 1 and do not count the header.
    pub(super) fn place(&self, row: u32) -> String {
        let row = row as usize;
        let file = self.files.iter().rev().find(|(_, start)| *start <= row);
        match file {
            Some((file, start)) => format!("{file}, row {}", row - start + 1),
            None => format!("row {}", row + 1),
        }
    }

    /// `this is line 8 of the file; `
    fn line(&self, row: u32) -> String {
        self.lines
            .get(row as usize)
            .map(|line| format!("this is line {line} of the file; "))
            .unwrap_or_default()
    }

    /// Checks that each cell of a column in a used row is a number that `f32` can hold.
    pub(super) fn check_numbers(
        &self,
        column: &Column,
        used: &[bool],
        advice: Advice,
    ) -> Result<(), DataError> {
        let name = &column.name;
        if column.is_text() && advice == Advice::Feature {
            let file = self
                .files
                .first()
                .map(|(file, _)| file.as_str())
                .unwrap_or_default();
            let message =
                format!("{file}: column \"{name}\" holds text, which cannot be part of `x`");
            let mut texts = column.texts.values();
            let help = if let Some(writing) = super::dates::writing(texts.clone()) {
                let order = writing.order.option();
                let order = order.map_or(String::new(), |order| format!(", order = \"{order}\""));
                format!("add dates(\"{name}\"{order}) or drop(\"{name}\") to the pipe")
            } else if texts.all(|text| has_decimal_comma(text)) {
                "its numbers have a decimal comma, and are read with a point: `sed 's/,/./g'` writes the file so, where no other comma stands in it".into()
            } else {
                format!(
                    "add target(\"{name}\"), drop(\"{name}\") or one_hot(\"{name}\") to the pipe"
                )
            };
            return Err(fault_help(message, help));
        }
        for (row, &number) in column
            .numbers
            .iter()
            .enumerate()
            .filter(|(row, _)| used.get(*row) == Some(&true))
        {
            let row = row as u32;
            let place = self.place(row);
            if let Some(text) = column.texts.get(&row) {
                let help = format!(
                    "{}if it means a missing value, write csv(..., missing = {text:?})",
                    self.line(row)
                );
                return Err(fault_help(
                    format!("{place}, column \"{name}\": {text:?} is not a number"),
                    help,
                ));
            }
            if number.is_nan() {
                let help = format!(
                    "{}add drop_missing or fill_missing to the pipe",
                    self.line(row)
                );
                return Err(fault_help(
                    format!("{place}, column \"{name}\": the value is missing"),
                    help,
                ));
            }
            if !(number as f32).is_finite() {
                return Err(fault(format!(
                    "{place}, column \"{name}\": {number:e} is too large for f32"
                )));
            }
        }
        Ok(())
    }

    /// `[rows, columns]` of these columns.
    pub(super) fn matrix(
        &self,
        columns: &[&Column],
        used: &[bool],
        advice: Advice,
    ) -> Result<Tensor, DataError> {
        for column in columns {
            self.check_numbers(column, used, advice)?;
        }
        let mut out = Vec::with_capacity(self.rows.saturating_mul(columns.len()));
        for row in 0..self.rows {
            out.extend(columns.iter().map(|column| {
                column
                    .numbers
                    .get(row)
                    .map_or(f32::NAN, |&number| number as f32)
            }));
        }
        Tensor::new([self.rows, columns.len()], Elements::F32(out))
            .ok_or_else(|| fault("a table's sizes disagree"))
    }

    /// Class numbers of a column and the class names: text sorted by name, whole numbers by value.
    /// The classes are those of the whole column, whatever part a row belongs to.
    pub(super) fn classes(
        &self,
        column: &Column,
        used: &[bool],
    ) -> Result<(Vec<i32>, Vec<String>), DataError> {
        let names = self.class_names(column)?;
        let index: HashMap<&str, i32> = names.iter().map(String::as_str).zip(0..).collect();
        let mut numbers = Vec::with_capacity(self.rows);
        for row in 0..self.rows as u32 {
            let class = column
                .key(row)
                .and_then(|key| index.get(key.as_str()).copied());
            if class.is_none() && used.get(row as usize) == Some(&true) {
                let message = format!(
                    "{}, column \"{}\": the class is missing",
                    self.place(row),
                    column.name
                );
                return Err(fault_help(
                    message,
                    format!("{}add drop_missing to the pipe", self.line(row)),
                ));
            }
            numbers.push(class.unwrap_or(0));
        }
        Ok((numbers, names))
    }

    fn class_names(&self, column: &Column) -> Result<Vec<String>, DataError> {
        if !column.texts.is_empty() {
            let names = (0..self.rows as u32).filter_map(|row| column.key(row));
            return Ok(names
                .collect::<std::collections::BTreeSet<String>>()
                .into_iter()
                .collect());
        }
        let mut values: Vec<f64> = column
            .numbers
            .iter()
            .copied()
            .filter(|number| !number.is_nan())
            .collect();
        if let Some(row) = column
            .numbers
            .iter()
            .position(|number| !number.is_nan() && number.fract() != 0.0)
        {
            let (place, value) = (
                self.place(row as u32),
                column.numbers.get(row).copied().unwrap_or(0.0),
            );
            let message = format!(
                "{place}, column \"{}\": {value} is no class: classes are text or whole numbers",
                column.name
            );
            return Err(fault_help(
                message,
                "leave out `classes = true` to read the column as numbers",
            ));
        }
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        Ok(values.iter().map(|value| format!("{value}")).collect())
    }
}

/// The rows of a tensor in parts. Parts that hold all rows in their order, as files of training and of testing do, are cut and not copied.
pub(super) fn divide(mut tensor: Tensor, parts: &[&[u32]]) -> Vec<Tensor> {
    let rows = tensor.shape().first().copied().unwrap_or(0);
    let in_order = parts.iter().copied().flatten().zip(0..);
    let whole = parts.iter().map(|part| part.len()).sum::<usize>() == rows;
    if !whole || !in_order.into_iter().all(|(&row, at)| row == at) {
        return parts.iter().map(|rows| gather(&tensor, rows)).collect();
    }
    let mut end = rows;
    let mut cut: Vec<Tensor> = Vec::with_capacity(parts.len());
    for part in parts.iter().skip(1).rev() {
        end -= part.len();
        cut.push(tensor.split_off_rows(end));
    }
    cut.push(tensor);
    cut.reverse();
    cut
}

/// The rows of a tensor, in this order.
pub(super) fn gather(tensor: &Tensor, rows: &[u32]) -> Tensor {
    fn pick<T: Copy>(values: &[T], width: usize, rows: &[u32]) -> Vec<T> {
        let row = |&row: &u32| {
            values
                .get(row as usize * width..(row as usize + 1) * width)
                .unwrap_or_default()
        };
        let mut picked = Vec::with_capacity(rows.len() * width);
        rows.iter()
            .for_each(|number| picked.extend_from_slice(row(number)));
        picked
    }
    let width: usize = tensor.shape().iter().skip(1).product();
    let elements = match tensor.elements() {
        Elements::F32(values) => Elements::F32(pick(values, width, rows)),
        Elements::F64(values) => Elements::F64(pick(values, width, rows)),
        Elements::I32(values) => Elements::I32(pick(values, width, rows)),
        Elements::Bool(values) => Elements::Bool(pick(values, width, rows)),
        Elements::U8(values) => Elements::U8(pick(values, width, rows)),
    };
    let mut shape = tensor.shape().to_vec();
    if let Some(first) = shape.first_mut() {
        *first = rows.len();
    }
    // Every row number comes from a part of the same frame, so the counts agree.
    Tensor::new(shape, elements).unwrap_or_else(|| Tensor::scalar(f32::NAN))
}
