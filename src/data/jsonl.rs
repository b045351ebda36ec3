//! The reader of JSON lines: one object a line, or one array of objects.
//!
//! A field is a column, one of an object in it `outer.inner`, and the numbers of an array `name.0`, `name.1`, ..., row-major where arrays
//! lie in arrays; every record has as many. `true` and `false` are 1 and 0; `null` and a field that a record does not have are missing.
//! Columns are in the order in which they first appear.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::{Cell, Column, Columns, Frame};
use super::{columns, fault, fault_help};
use crate::base::data::DataError;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Number, Value};
use std::collections::HashMap;
use std::fmt;

/// Longest name of a column. A name holds those of the objects around it, so that long ones multiply.
const LONGEST_NAME: usize = 1024;

/// Cells of a table for each byte of its text, and of any text. A cell that is there takes several bytes; where each record has fields of
/// its own nearly all are missing, and the table grows as the square of the text.
const MOST_CELLS: (usize, usize) = (32, 65_536);

/// Reads files one below the other, and those of a test part.
pub(super) fn read(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
) -> Result<Frame, DataError> {
    columns::read(files, paths, arguments, &|path| {
        table(files, &files.text(path)?, path)
    })
}

/// The table that a text holds.
pub(super) fn table(files: &Files<'_>, text: &str, path: &str) -> Result<Columns, DataError> {
    let mut records = Records {
        path,
        files,
        bytes: text.len(),
        columns: Vec::new(),
        index: HashMap::new(),
        lengths: HashMap::new(),
        lines: Vec::new(),
    };
    if text.trim_start().starts_with('[') {
        let all: Vec<Record> =
            serde_json::from_str(text).map_err(|error| malformed(path, error.line(), &error))?;
        for record in all {
            records.push(record, 0)?;
        }
    } else {
        let lines = (1..).zip(text.lines());
        for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
            let record =
                serde_json::from_str(text).map_err(|error| malformed(path, line, &error))?;
            records.push(record, line)?;
        }
    }
    if records.lines.is_empty() {
        return Err(fault(format!(
            "{path}: the data set is empty: the file holds no record"
        )));
    }
    let rows = records.lines.len();
    Ok(Columns {
        columns: records.columns,
        targets: Vec::new(),
        as_classes: false,
        unnamed: false,
        rows,
        files: vec![(path.to_string(), 0)],
        lines: match text.trim_start().starts_with('[') {
            true => Vec::new(),
            false => records.lines,
        },
    })
}

fn malformed(path: &str, line: usize, error: &serde_json::Error) -> DataError {
    let mut why = error.to_string();
    if let Some(end) = why.find(" at line ") {
        why.truncate(end);
    }
    let column = error.column();
    fault_help(
        format!("{path}, line {line}, character {column}: {why}"),
        "each line of the file is one JSON object, such as {\"height\": 1.8, \"label\": \"oak\"}",
    )
}

/// The fields of an object, in the order of the file.
struct Record(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Record, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut fields: Vec<(String, Value)> = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Record(fields))
            }
        }
        from.deserialize_map(Fields)
    }
}

fn number_of(number: &Number) -> Cell<'static> {
    number.as_f64().map_or(Cell::Missing, Cell::Number)
}

struct Records<'a> {
    path: &'a str,
    files: &'a Files<'a>,
    /// Length of the text.
    bytes: usize,
    columns: Vec<Column>,
    index: HashMap<String, usize>,
    /// How many numbers each array has.
    lengths: HashMap<String, usize>,
    lines: Vec<u32>,
}

impl Records<'_> {
    fn push(&mut self, record: Record, line: usize) -> Result<(), DataError> {
        let row = self.lines.len();
        let size = [row + 1, self.columns.len().max(1)];
        self.files.allow(&size, size_of::<f64>(), self.path)?;
        if u32::try_from(row).is_err() {
            let path = self.path;
            return Err(fault(format!("{path}: more rows than a data set may have")));
        }
        for (name, value) in &record.0 {
            self.field(row, name, value)?;
        }
        let (rows, columns) = (row + 1, self.columns.len());
        let most = self.bytes.saturating_mul(MOST_CELLS.0) + MOST_CELLS.1;
        if rows.saturating_mul(columns) > most {
            return Err(fault_help(
                format!(
                    "{}: {columns} fields by now, most of them missing in most of the {rows} records",
                    self.place(row)
                ),
                "records of one table have the same fields: write a list of names and values as two fields",
            ));
        }
        self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
        for column in &mut self.columns {
            column.numbers.resize(row + 1, f64::NAN);
        }
        Ok(())
    }

    fn field(&mut self, row: usize, name: &str, value: &Value) -> Result<(), DataError> {
        if name.len() > LONGEST_NAME {
            return Err(fault_help(
                format!(
                    "{}: a field whose name, with those of the objects around it, has {} bytes",
                    self.place(row),
                    name.len()
                ),
                format!("a name has at most {LONGEST_NAME} bytes"),
            ));
        }
        match value {
            // The columns of what is missing are known from the other records.
            Value::Null => Ok(()),
            Value::Bool(flag) => self.cell(row, name, Cell::Flag(*flag)),
            Value::Number(number) => self.cell(row, name, number_of(number)),
            Value::String(text) => self.cell(row, name, Cell::Text(text.trim())),
            Value::Object(inner) => inner
                .iter()
                .try_for_each(|(part, value)| self.field(row, &format!("{name}.{part}"), value)),
            Value::Array(items) => {
                let mut cells = Vec::new();
                self.cells(row, name, items, &mut cells)?;
                let known = *self.lengths.entry(name.to_string()).or_insert(cells.len());
                if known != cells.len() {
                    return Err(fault_help(
                        format!(
                            "{}, column \"{name}\": {} numbers, where the records before have {known}",
                            self.place(row),
                            cells.len()
                        ),
                        "the arrays of a field have one length: pad the short ones, or write a row for each item",
                    ));
                }
                for (at, cell) in cells.into_iter().enumerate() {
                    self.cell(row, &format!("{name}.{at}"), cell)?;
                }
                Ok(())
            }
        }
    }

    /// The numbers of arrays in arrays, in order.
    fn cells<'v>(
        &self,
        row: usize,
        name: &str,
        items: &'v [Value],
        into: &mut Vec<Cell<'v>>,
    ) -> Result<(), DataError> {
        for item in items {
            match item {
                Value::Number(number) => into.push(number_of(number)),
                Value::Bool(flag) => into.push(Cell::Flag(*flag)),
                Value::Null => into.push(Cell::Missing),
                Value::Array(inner) => self.cells(row, name, inner, into)?,
                Value::String(_) | Value::Object(_) => {
                    let what = if item.is_string() {
                        "text"
                    } else {
                        "an object"
                    };
                    return Err(fault_help(
                        format!(
                            "{}, column \"{name}\": an array that holds {what}",
                            self.place(row)
                        ),
                        "arrays hold numbers; make its items fields of their own",
                    ));
                }
            }
        }
        Ok(())
    }

    fn place(&self, row: usize) -> String {
        format!("{}, row {}", self.path, row + 1)
    }

    fn cell(&mut self, row: usize, name: &str, cell: Cell<'_>) -> Result<(), DataError> {
        let at = match self.index.get(name) {
            Some(&at) => at,
            None => {
                let size = [row + 1, self.columns.len() + 1];
                self.files.allow(&size, size_of::<f64>(), self.path)?;
                self.index.insert(name.to_string(), self.columns.len());
                self.columns.push(Column::new(name.to_string()));
                self.columns.len() - 1
            }
        };
        let column = &mut self.columns[at];
        if column.numbers.len() > row {
            return Err(fault(format!(
                "{}: the field \"{name}\" stands twice",
                self.place(row)
            )));
        }
        column.numbers.resize(row, f64::NAN);
        column.push(cell);
        Ok(())
    }
}
