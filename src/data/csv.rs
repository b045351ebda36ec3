//! The CSV reader.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::{Column, Columns, Frame, LONGEST_CELL};
use super::{columns, fault, fault_help};
use crate::base::data::DataError;
use std::collections::{BTreeMap, HashMap};

/// Spellings of a missing value.
const MISSING: &[&str] = &["", "NA", "NaN", "nan", "null", "NULL", "?"];

/// How a file is to be read.
struct Dialect {
    separator: Option<char>,
    header: bool,
    missing: Option<String>,
}

/// Reads files one below the other, and those of a test part.
pub(super) fn read(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
) -> Result<Frame, DataError> {
    let dialect = dialect(arguments)?;
    let mut frame = columns::read(files, paths, arguments, &|path| {
        parse(&files.text(path)?, path, &dialect)
    })?;
    // What one file holds may be text in another, so all are looked at.
    let columns = frame.table.iter_mut().flat_map(|table| &mut table.columns);
    columns.for_each(Column::words_to_flags);
    Ok(frame)
}

fn dialect(arguments: &Arguments<'_>) -> Result<Dialect, DataError> {
    Ok(Dialect {
        separator: arguments.character("separator")?,
        header: arguments.flag("header")?.unwrap_or(true),
        missing: arguments.text("missing")?.map(str::to_string),
    })
}

/// The table that a text holds.
pub(super) fn table(
    text: &str,
    name: &str,
    arguments: &Arguments<'_>,
) -> Result<Columns, DataError> {
    parse(text, name, &dialect(arguments)?)
}

fn parse(text: &str, path: &str, dialect: &Dialect) -> Result<Columns, DataError> {
    let separator = dialect.separator.unwrap_or_else(|| match is_tabbed(path) {
        true => '\t',
        false => guess_separator(text),
    });
    let Ok(delimiter) = u8::try_from(separator) else {
        return Err(fault(format!(
            "`csv`: the separator {separator:?} is not an ASCII character"
        )));
    };
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut table: Option<Columns> = None;
    let mut record = ::csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| fault(format!("{path}: {error}")))?
    {
        let line = record.position().map_or(0, ::csv::Position::line);
        if reader.position().byte() >= text.len() as u64 {
            closed(text, &record, separator, path)?;
        }
        match &mut table {
            None => {
                let mut first = header(&record, path, dialect)?;
                if !dialect.header {
                    push(&mut first, &record, line, path, dialect)?;
                }
                table = Some(first);
            }
            Some(table) => push(table, &record, line, path, dialect)?,
        }
    }
    match table {
        Some(table) if table.rows > 0 => Ok(table),
        Some(_) => {
            let help = "if the first line is data, write csv(..., header = false)";
            Err(fault_help(
                format!("{path}: the data set is empty: there is no row below the header"),
                help,
            ))
        }
        None => Err(fault(format!(
            "{path}: the data set is empty: the file holds no line"
        ))),
    }
}

/// Refuses a last record whose end, that of the file, lies in quotes.
fn closed(
    text: &str,
    record: &::csv::StringRecord,
    separator: char,
    path: &str,
) -> Result<(), DataError> {
    let (start, line) = record
        .position()
        .map_or((0, 1), |at| (at.byte() as usize, at.line()));
    let Some(at) = open_quote(text.get(start..).unwrap_or_default(), separator) else {
        return Ok(());
    };
    let before = text.get(start..start + at).unwrap_or_default();
    let line = line + before.matches('\n').count() as u64;
    Err(fault_help(
        format!("{path}, line {line}: a quote that opens a cell does not close"),
        "close it, or leave it out; in a cell in quotes a quote is written twice, `\"\"`",
    ))
}

/// Where the quote stands that opens a cell which the text does not close.
fn open_quote(text: &str, separator: char) -> Option<usize> {
    let mut opened = None;
    let mut at_start = true;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match opened {
            Some(start) if character == '"' => {
                // Two are one of the cell's own.
                let doubled = characters.next_if(|(_, next)| *next == '"').is_some();
                opened = doubled.then_some(start);
            }
            Some(_) => {}
            None if at_start && character == '"' => opened = Some(at),
            None => {}
        }
        at_start = opened.is_none() && (character == separator || matches!(character, '\n' | '\r'));
    }
    opened
}

/// Whether the name of a file says that tabs stand between its cells.
fn is_tabbed(path: &str) -> bool {
    let path = path.strip_suffix(".gz").unwrap_or(path);
    path.ends_with(".tsv") || path.ends_with(".tab")
}

/// The most frequent of `,`, `;` and tab in the first line, outside quotes.
fn guess_separator(text: &str) -> char {
    let mut counts = [(',', 0), (';', 0), ('\t', 0)];
    let mut quoted = false;
    for character in text.lines().next().unwrap_or_default().chars() {
        quoted ^= character == '"';
        for (separator, count) in &mut counts {
            *count += u32::from(!quoted && character == *separator);
        }
    }
    // `max_by_key` keeps the last of equals; reversed, the comma wins.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(',', |(separator, _)| *separator)
}

fn header(
    record: &::csv::StringRecord,
    path: &str,
    dialect: &Dialect,
) -> Result<Columns, DataError> {
    let mut names: Vec<String> = match dialect.header {
        true => record.iter().map(|name| name.trim().to_string()).collect(),
        false => (0..record.len()).map(|index| format!("c{index}")).collect(),
    };
    // So are the labels of rows written by pandas, R and others: no feature, and nothing that a program could name.
    let unnamed = names.len() > 1 && names.first().is_some_and(String::is_empty);
    if unnamed {
        names.remove(0);
    }
    let left_out = usize::from(unnamed);
    let mut places = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(fault_help(
                format!(
                    "{path}, header: column {} has no name",
                    index + left_out + 1
                ),
                "name it, or write csv(..., header = false) if the first line is data",
            ));
        }
        if let Some(earlier) = places.insert(name.as_str(), index) {
            let message = format!(
                "{path}, header: columns {} and {} are both called \"{name}\"",
                earlier + left_out + 1,
                index + left_out + 1
            );
            return Err(fault_help(
                message,
                "if the first line is data, write csv(..., header = false)",
            ));
        }
    }
    let columns = names.into_iter().map(|name| Column {
        name,
        numbers: Vec::new(),
        texts: BTreeMap::new(),
        flags: false,
    });
    Ok(Columns {
        columns: columns.collect(),
        targets: Vec::new(),
        as_classes: false,
        unnamed,
        rows: 0,
        files: vec![(path.to_string(), 0)],
        lines: Vec::new(),
    })
}

fn push(
    table: &mut Columns,
    record: &::csv::StringRecord,
    line: u64,
    path: &str,
    dialect: &Dialect,
) -> Result<(), DataError> {
    let left_out = usize::from(table.unnamed);
    let (row, width) = (table.rows, table.columns.len() + left_out);
    if record.len() != width {
        let mend = match record.iter().any(|cell| cell.contains('\n')) {
            true => {
                "a cell in quotes goes on in the next line there: a quote may be missing that closes it"
            }
            false => "a cell that contains the separator needs quotes",
        };
        return Err(fault_help(
            format!(
                "{path}, row {}: {} {}, where the header has {width}",
                row + 1,
                record.len(),
                if record.len() == 1 { "cell" } else { "cells" }
            ),
            format!("this is line {line} of the file; {mend}"),
        ));
    }
    let Ok(number) = u32::try_from(row) else {
        return Err(fault(format!("{path}: more rows than a data set may have")));
    };
    let cells = record.iter().skip(left_out);
    for (column, cell) in table.columns.iter_mut().zip(cells) {
        let cell = cell.trim();
        if cell.len() > LONGEST_CELL {
            return Err(fault_help(
                format!(
                    "{path}, row {}, column \"{}\": a cell of {} bytes, where the longest may have {LONGEST_CELL}",
                    row + 1,
                    column.name,
                    cell.len()
                ),
                format!(
                    "this is line {line} of the file; a line end may be missing there, or a quote that closes"
                ),
            ));
        }
        let is_missing = MISSING.contains(&cell) || dialect.missing.as_deref() == Some(cell);
        match cell.parse::<f64>() {
            _ if is_missing => column.numbers.push(f64::NAN),
            Ok(value) if value.is_finite() => column.numbers.push(value),
            _ => {
                column.numbers.push(f64::NAN);
                column.texts.insert(number, cell.to_string());
            }
        }
    }
    table.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
    table.rows += 1;
    Ok(())
}
