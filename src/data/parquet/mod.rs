//! The reader of Parquet files: a table, as `csv` makes one.
//!
//! The crate `parquet` reads what a file says of itself and undoes its encodings. It trusts files more than this reader may: what they could
//! overflow the stack or take memory with is looked at before, in [`footer`] and [`pages`], and a panic of it becomes an error here.
//!
//! A field of a record is a column `outer.inner`; a list has no place in a table.
mod cells;
mod footer;
mod pages;

use super::arguments::Arguments;
use super::files::Files;
use super::frame::{Column, Columns, Frame};
use super::{columns, fault, fault_help, frame};
use crate::base::data::DataError;
use ::parquet::basic::{Compression, Encoding};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use ::parquet::data_type::DataType;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use ::parquet::schema::types::ColumnDescriptor;
use bytes::Bytes;
use cells::{Meaning, Store};
use pages::{Budget, Pages};
use std::cell::Cell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Rows that are decoded at a time.
const BATCH: usize = 4096;

/// Reads files one below the other, and those of a test part.
pub(super) fn read(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
) -> Result<Frame, DataError> {
    columns::read(files, paths, arguments, &|path| table(files, path))
}

fn table(files: &Files<'_>, path: &str) -> Result<Columns, DataError> {
    let bytes = Bytes::from(files.read_any(path, files.policy.limit)?);
    footer::check(&bytes).map_err(|why| match bytes.starts_with(footer::MAGIC) {
        true => damaged(path, &why),
        false => fault_help(
            format!("{path}: this is not a Parquet file: it does not begin with PAR1"),
            "a table of text is read by csv(\"...\"), records of JSON by jsonl(\"...\")",
        ),
    })?;
    let metadata = guarded(|| ParquetMetaDataReader::new().parse_and_finish(&bytes))
        .map_err(|why| damaged(path, &why))?;
    let leaves = metadata.file_metadata().schema_descr().columns();
    let rows = rows_of(&metadata).ok_or_else(|| damaged(path, "its count of rows is no number"))?;
    if rows == 0 || leaves.is_empty() {
        let lacks = if rows == 0 { "row" } else { "column" };
        return Err(fault(format!(
            "{path}: the data set is empty: the file holds no {lacks}"
        )));
    }
    if u32::try_from(rows).is_err() {
        return Err(fault(format!("{path}: more rows than a data set may have")));
    }
    files.allow(&[rows, leaves.len()], size_of::<f64>(), path)?;
    let meanings = meanings(path, leaves)?;
    let budget = Budget::new(files.policy.limit);
    let mut columns = Vec::with_capacity(leaves.len());
    for (at, (leaf, meaning)) in leaves.iter().zip(meanings).enumerate() {
        let mut column = Column::new(leaf.path().string());
        for group in metadata.row_groups() {
            let from = Source {
                path,
                bytes: &bytes,
                group,
                at,
            };
            from.read(meaning, &mut column, &budget)?;
        }
        columns.push(column);
    }
    Ok(Columns {
        columns,
        targets: Vec::new(),
        as_classes: false,
        unnamed: false,
        rows,
        files: vec![(path.to_string(), 0)],
        lines: Vec::new(),
    })
}

/// The rows of all groups.
fn rows_of(metadata: &ParquetMetaData) -> Option<usize> {
    let groups = metadata.row_groups().iter();
    let counts = groups.map(|group| usize::try_from(group.num_rows()).ok());
    counts
        .into_iter()
        .try_fold(0, |all: usize, of| all.checked_add(of?))
}

/// What each column holds.
fn meanings(
    path: &str,
    leaves: &[::parquet::schema::types::ColumnDescPtr],
) -> Result<Vec<Meaning>, DataError> {
    let mut names = HashSet::new();
    let mut meanings = Vec::with_capacity(leaves.len());
    for (at, leaf) in leaves.iter().enumerate() {
        let name = leaf.path().string();
        if name.is_empty() {
            let message = format!("{path}: column {} has no name", at + 1);
            return Err(fault_help(message, "name it where the file is written"));
        }
        meanings.push(meaning(path, leaf)?);
        if !names.insert(name.clone()) {
            let message = format!("{path}: two columns are called \"{name}\"");
            return Err(fault_help(
                message,
                "give one another name where the file is written",
            ));
        }
    }
    Ok(meanings)
}

fn meaning(path: &str, leaf: &ColumnDescriptor) -> Result<Meaning, DataError> {
    let refused = |what: &str| {
        let name = leaf.path().parts().first().map_or("", String::as_str);
        let stem = Path::new(path).with_extension("").display().to_string();
        fault_help(
            format!("{path}, column \"{name}\": it holds {what}, which have no place in a table"),
            format!(
                "write the others: `python -c 'import pandas; pandas.read_parquet(\"{path}\").drop(columns=[\"{name}\"]).to_parquet(\"{stem}-flat.parquet\")'`"
            ),
        )
    };
    if leaf.max_rep_level() > 0 {
        return Err(refused("lists"));
    }
    Meaning::of(leaf).map_err(refused)
}

/// Runs what decodes a file. The crate asserts some of what it expects of files, so that a panic is a damaged one: [`is_decoding`] says so.
fn guarded<T>(work: impl FnOnce() -> ::parquet::errors::Result<T>) -> Result<T, String> {
    DECODING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    DECODING.set(false);
    match outcome {
        Ok(outcome) => outcome.map_err(|error| plain(&error)),
        Err(_) => Err("what it says does not fit together".into()),
    }
}

/// What the crate says, without the kind of its error.
fn plain(error: &ParquetError) -> String {
    let text = error.to_string();
    let kinds = ["Parquet error: ", "EOF: ", "External: "];
    let plain = kinds.iter().find_map(|kind| text.strip_prefix(kind));
    plain.unwrap_or(&text).to_string()
}

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread decodes a file, so that a panic becomes an error. A hook that reports panics has nothing to say then.
pub fn is_decoding() -> bool {
    DECODING.get()
}

fn damaged(place: &str, why: &str) -> DataError {
    fault_help(
        format!("{place}: the file is damaged or cut off ({why})"),
        "copy it or write it again",
    )
}

/// A column of a group of rows.
struct Source<'a> {
    path: &'a str,
    bytes: &'a Bytes,
    group: &'a RowGroupMetaData,
    at: usize,
}

impl Source<'_> {
    /// Puts its cells below those of a column.
    fn read(
        &self,
        meaning: Meaning,
        column: &mut Column,
        budget: &Budget,
    ) -> Result<(), DataError> {
        let start = column.numbers.len();
        let name = column.name.clone();
        let damaged = |row: usize, why: &str| {
            let place = format!("{}, column \"{name}\", from row {}", self.path, row + 1);
            damaged(&place, why)
        };
        let chunk = self.chunk().map_err(|why| damaged(start, &why))?;
        let rows = self.group.num_rows() as usize;
        if let Some(what) = unread(chunk) {
            let path = self.path;
            let stem = Path::new(path).with_extension("").display().to_string();
            return Err(fault_help(
                format!("{path}, column \"{name}\": {what}, which is not read"),
                format!(
                    "write it anew: `python -c 'import pandas; pandas.read_parquet(\"{path}\").to_parquet(\"{stem}-snappy.parquet\")'`"
                ),
            ));
        }
        let pages = guarded(|| Pages::new(self.bytes, chunk, rows, budget.clone()))
            .map_err(|why| damaged(start, &why))?;
        // A cell that is no value of its column; the rows before are there.
        let wrong = Cell::new(None);
        let mut filling = Filling {
            column,
            meaning,
            budget,
            wrong: &wrong,
            most: chunk.column_descr().max_def_level(),
            rows: start + rows,
        };
        let outcome =
            guarded(|| filling.all(get_column_reader(chunk.column_descr_ptr(), Box::new(pages))));
        let end = column.numbers.len();
        if let Some(why) = wrong.take() {
            let place = format!("{}, row {}, column \"{name}\"", self.path, end + 1);
            return Err(fault(format!("{place}: {why}")));
        }
        outcome.map_err(|why| damaged(end, &why))
    }

    /// What the file says of the column, where that can be.
    fn chunk(&self) -> Result<&ColumnChunkMetaData, String> {
        let chunk = self.group.columns().get(self.at);
        let chunk = chunk.ok_or("it is not there")?;
        if chunk.file_path().is_some() {
            return Err("it lies in another file".into());
        }
        let start = chunk.dictionary_page_offset();
        let start = u64::try_from(start.unwrap_or(chunk.data_page_offset())).ok();
        let length = u64::try_from(chunk.compressed_size()).ok();
        let end = start
            .zip(length)
            .and_then(|(start, length)| start.checked_add(length));
        match end {
            Some(end) if end <= self.bytes.len() as u64 => Ok(chunk),
            Some(_) | None => Err("it lies outside of the file".into()),
        }
    }
}

/// The way in which a column is stored, where it is one that is not read.
fn unread(chunk: &ColumnChunkMetaData) -> Option<&'static str> {
    match chunk.compression() {
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::ZSTD(_) => {}
        Compression::LZO => return Some("it is compressed by LZO"),
        Compression::BROTLI(_) => return Some("it is compressed by Brotli"),
        Compression::LZ4 | Compression::LZ4_RAW => return Some("it is compressed by LZ4"),
    }
    // A value repeats the beginning of the one before, so that pages of few bytes become many.
    let repeats = chunk
        .encodings()
        .any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY);
    repeats.then_some("its values are encoded by DELTA_BYTE_ARRAY")
}

/// A column that is being filled.
struct Filling<'a> {
    column: &'a mut Column,
    meaning: Meaning,
    budget: &'a Budget,
    wrong: &'a Cell<Option<String>>,
    /// The definition level of a value that is there.
    most: i16,
    /// How many rows the column is to have.
    rows: usize,
}

impl Filling<'_> {
    fn all(&mut self, from: ColumnReader) -> ::parquet::errors::Result<()> {
        match from {
            ColumnReader::BoolColumnReader(from) => self.fill(from),
            ColumnReader::Int32ColumnReader(from) => self.fill(from),
            ColumnReader::Int64ColumnReader(from) => self.fill(from),
            ColumnReader::Int96ColumnReader(from) => self.fill(from),
            ColumnReader::FloatColumnReader(from) => self.fill(from),
            ColumnReader::DoubleColumnReader(from) => self.fill(from),
            ColumnReader::ByteArrayColumnReader(from) => self.fill(from),
            ColumnReader::FixedLenByteArrayColumnReader(from) => self.fill(from),
        }
    }

    fn fill<T: DataType>(&mut self, mut from: ColumnReaderImpl<T>) -> ::parquet::errors::Result<()>
    where
        T::T: Store,
    {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        while self.column.numbers.len() < self.rows {
            levels.clear();
            values.clear();
            let wanted = BATCH.min(self.rows - self.column.numbers.len());
            let (rows, _, _) = from.read_records(wanted, Some(&mut levels), None, &mut values)?;
            if rows == 0 {
                return Err(pages::error("there are fewer rows than it says"));
            }
            let mut values = values.iter();
            for row in 0..rows {
                let is_there = self.most == 0 || levels.get(row) == Some(&self.most);
                let value = if is_there { values.next() } else { None };
                let put = match value {
                    Some(value) => self.meaning.put(value.stored(), self.column, self.budget),
                    None => {
                        self.column.push(frame::Cell::Missing);
                        Ok(())
                    }
                };
                if let Err(why) = put {
                    self.wrong.set(Some(why));
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
