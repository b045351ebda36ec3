//! Tables of one or several files: read one below the other, those of a test part last.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::{Column, Columns, Frame};
use super::{fault, fault_help};
use crate::base::data::DataError;
use std::collections::HashMap;

/// Makes a table of the file of that path.
pub(super) type Read<'a> = &'a dyn Fn(&str) -> Result<Columns, DataError>;

/// Reads the files of a table: `paths`, each a file or a pattern, and those of the option `test`.
pub(super) fn read(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
    one: Read<'_>,
) -> Result<Frame, DataError> {
    let name = paths.first().map(String::as_str).unwrap_or_default();
    let mut table: Option<Columns> = None;
    for path in paths {
        add(files, path, &mut table, one)?;
    }
    let mut test_start = None;
    if let Some(test) = arguments.text("test")? {
        test_start = table.as_ref().map(|table| table.rows);
        add(files, test, &mut table, one)?;
    }
    let Some(table) = table else {
        return Err(fault_help("a table of no file", "name a file"));
    };
    let mut frame = Frame::new(name.to_string(), table.rows, test_start)?;
    frame.table = Some(table);
    Ok(frame)
}

/// Puts the tables of a path below what is there.
fn add(
    files: &Files<'_>,
    path: &str,
    table: &mut Option<Columns>,
    one: Read<'_>,
) -> Result<(), DataError> {
    for path in files.expand(path)? {
        let more = one(&path)?;
        match table {
            Some(table) => append(table, more, &path)?,
            None => *table = Some(more),
        }
    }
    Ok(())
}

/// Puts a table of the same columns below another; the order of the first counts.
fn append(table: &mut Columns, more: Columns, path: &str) -> Result<(), DataError> {
    let names = |table: &Columns| -> Vec<String> {
        let names = table.columns.iter().map(|column| column.name.clone());
        names.collect()
    };
    let (above, below) = (names(table), names(&more));
    let first = table.files.first().map_or("", |(name, _)| name.as_str());
    let (mut sorted, mut others) = (above.clone(), below.clone());
    sorted.sort_unstable();
    others.sort_unstable();
    if sorted != others {
        let lacking = above.iter().find(|name| !below.contains(name));
        let what = match (lacking, below.iter().find(|name| !above.contains(name))) {
            (Some(lacking), _) => format!("the first has \"{lacking}\", the second has not"),
            (None, Some(extra)) => format!("the second has \"{extra}\", the first has not"),
            (None, None) => "a name stands twice".into(),
        };
        return Err(fault_help(
            format!("{first} and {path} have different columns: {what}"),
            format!("give both files the columns {}", above.join(", ")),
        ));
    }
    let start = table.rows;
    if u32::try_from(start.saturating_add(more.rows)).is_err() {
        return Err(fault(format!("{path}: more rows than a data set may have")));
    }
    let others = more.columns.into_iter();
    let mut others: HashMap<String, Column> = others.map(|c| (c.name.clone(), c)).collect();
    for column in &mut table.columns {
        let Some(other) = others.remove(&column.name) else {
            continue;
        };
        column.numbers.extend(other.numbers);
        let texts = other.texts.into_iter();
        column
            .texts
            .extend(texts.map(|(row, text)| (row + start as u32, text)));
        column.flags &= other.flags;
    }
    table.rows += more.rows;
    table.files.push((path.to_string(), start));
    table.lines.extend(more.lines);
    Ok(())
}
