//! Parquet files, sound and spoilt. `parquet/make.py` wrote those of the folder `parquet`.
use super::*;
use crate::data::arguments::Arguments;
use crate::data::frame::Columns;
use crate::data::survey::{Dialect, Kind, survey};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/data/tests/parquet")
}

fn stored(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn table_of(provider: &FileProvider, folder: &str, name: &str) -> Result<Columns, DataError> {
    let files = files::Files {
        policy: &provider.policy,
        base_dir: folder,
    };
    let arguments = Arguments {
        name: if name.ends_with(".csv") {
            "csv"
        } else {
            "parquet"
        },
        positional: &[],
        named: &[],
    };
    let frame = readers::read(&files, &[name.to_string()], &arguments)?;
    Ok(frame.table.expect("a table"))
}

fn table(name: &str) -> Result<Columns, DataError> {
    table_of(&FileProvider::new(), &folder().display().to_string(), name)
}

/// The table of these bytes, within 16 MiB.
fn of_bytes(folder: &Folder, bytes: &[u8]) -> Result<Columns, DataError> {
    std::fs::write(folder.0.join("a.parquet"), bytes).unwrap();
    let provider = FileProvider::new().with_limit(1 << 24);
    table_of(&provider, &folder.text(), "a.parquet")
}

/// The cells of a column as text; a date as its days.
fn cells(table: &Columns, name: &str) -> Vec<Option<String>> {
    let column = table.columns.iter().find(|column| column.name == name);
    let column = column.expect("the column");
    let cell =
        |text: String| dates::day(&text, dates::Order::Ymd).map_or(text, |day| day.to_string());
    let rows = 0..table.rows as u32;
    rows.map(|row| column.key(row).map(cell)).collect()
}

fn names(table: &Columns) -> Vec<&str> {
    let names = table.columns.iter().map(|column| column.name.as_str());
    names.collect()
}

#[test]
fn every_way_to_write_a_table_is_the_same_table() {
    let expected = table("table.csv").unwrap();
    for name in [
        "plain",
        "dictionary",
        "snappy",
        "gzip",
        "zstd",
        "groups",
        "sums",
        "encodings",
        "moments_of_old",
        "polars",
        "duckdb",
        "fastparquet",
    ] {
        let found = table(&format!("{name}.parquet")).unwrap();
        assert_eq!(names(&found), names(&expected), "{name}");
        for (column, other) in found.columns.iter().zip(&expected.columns) {
            let of = &column.name;
            assert_eq!(cells(&found, of), cells(&expected, of), "{name}, {of}");
            // Whether an empty column is one of booleans only the stored file knows.
            let is_empty = cells(&found, of).iter().all(Option::is_none);
            assert!(is_empty || column.flags == other.flags, "{name}, {of}");
        }
    }
}

#[test]
fn a_pipe_makes_the_same_of_it_as_of_text() {
    let pipe = [
        step("dates", &[string("day"), string("at")], &[]),
        step("drop", &[string("nothing")], &[]),
        step("target", &[string("name")], &[]),
        step("drop_missing", &[], &[]),
        step("standardize", &[], &[]),
        step("split", &[number(0.5)], &[("seed", number(1.0))]),
    ];
    let set = |reader_name: &str, path: &str| {
        let spec = DataSpec {
            source: reader(reader_name, &[path], &[]),
            transforms: pipe.to_vec(),
            base_dir: folder().display().to_string(),
        };
        FileProvider::new().open(&spec).unwrap()
    };
    let (text, stored) = (set("csv", "table.csv"), set("parquet", "groups.parquet"));
    assert_eq!(text.classes, stored.classes);
    for (part, name) in [("train", "x"), ("train", "y"), ("test", "x"), ("test", "y")] {
        assert_eq!(values(&text, part, name), values(&stored, part, name));
    }
}

#[test]
fn a_survey_and_further_rows_take_such_files() {
    let path = folder().join("zstd.parquet").display().to_string();
    let found = survey(&path, &Dialect::default()).unwrap();
    assert_eq!((found.reader, found.rows), ("parquet", Some(12)));
    let kinds: Vec<Kind> = found.columns.iter().map(|facts| facts.kind).collect();
    let (number, whole) = (Kind::Number, Kind::Whole);
    let rest = [
        whole,
        Kind::Flag,
        Kind::Text,
        Kind::Date,
        Kind::Date,
        number,
    ];
    let expected = [&[number, number, whole, whole], &rest[..]].concat();
    assert_eq!(kinds[..10], expected);
    assert_eq!(found.columns[0].missing, 2);
    let spec = DataSpec {
        source: reader("csv", &["table.csv"], &[]),
        transforms: vec![step("columns", &[string("small"), string("weight")], &[])],
        base_dir: folder().display().to_string(),
    };
    let rows = FileProvider::new().prepared(Some(&spec), &input::Input::File(path));
    assert_eq!(rows.unwrap().to_f64()[..4], [0.0, -6.0, 0.25, -5.0]);
}

#[test]
fn files_are_read_one_below_the_other() {
    let folder = Folder::new()
        .with("1.parquet", stored("snappy.parquet"))
        .with("2.parquet.gz", gzip(&stored("zstd.parquet")));
    let found = table_of(&FileProvider::new(), &folder.text(), "*.parquet*").unwrap();
    assert_eq!(found.rows, 24);
    assert_eq!(cells(&found, "name")[..12], cells(&found, "name")[12..]);
    assert_eq!(found.place(13), "2.parquet.gz, row 2");
}

#[test]
fn records_and_rare_types() {
    let text = |cells: &[&str]| -> Vec<Option<String>> {
        let cells = cells
            .iter()
            .map(|cell| (*cell != "-").then(|| cell.to_string()));
        cells.collect()
    };
    let records = table("records.parquet").unwrap();
    assert_eq!(names(&records), ["size.high", "size.wide.mm", "a"]);
    assert_eq!(cells(&records, "size.high"), text(&["1.5", "-", "-"]));
    assert_eq!(cells(&records, "size.wide.mm"), text(&["2", "-", "-"]));
    let half = table("half.parquet").unwrap();
    assert_eq!(cells(&half, "half"), text(&["0.5", "-2", "65504"]));
    assert_eq!(cells(&half, "far"), text(&["1.5", "inf", "-"]));
    let clock = table("clock.parquet").unwrap();
    assert_eq!(cells(&clock, "t"), text(&["18:30:05.25", "00:00:00", "-"]));
}

#[test]
fn what_has_no_place_in_a_table_is_refused_with_a_way_out() {
    let cases = [
        (
            "lists",
            "lists.parquet, column \"tags\": it holds lists, which have no place in a table",
            "drop(columns=[\"tags\"])",
        ),
        (
            "lz4",
            "lz4.parquet, column \"a\": it is compressed by LZ4, which is not read",
            "to_parquet(\"lz4-snappy.parquet\")",
        ),
        (
            "prefixes",
            "prefixes.parquet, column \"t\": its values are encoded by DELTA_BYTE_ARRAY, which is not read",
            "to_parquet",
        ),
        (
            "bytes",
            "bytes.parquet, row 2, column \"raw\": its bytes are no text",
            "",
        ),
        (
            "empty",
            "empty.parquet: the data set is empty: the file holds no row",
            "",
        ),
        (
            "twice",
            "twice.parquet: two columns are called \"a\"",
            "another name",
        ),
    ];
    for (name, message, help) in cases {
        let error = table(&format!("{name}.parquet")).unwrap_err();
        assert_eq!(error.message, message);
        let found = error.help.unwrap_or_default();
        assert!(found.contains(help), "{name}: {found}");
    }
    let error = table_of(
        &FileProvider::new().with_limit(5000),
        &folder().display().to_string(),
        "groups.parquet",
    );
    assert_eq!(
        error.unwrap_err().message,
        "groups.parquet holds more than the limit of 5000 bytes"
    );
    let folder = Folder::new().with("a.parquet", "a,b\n1,2\n");
    let error = table_of(&FileProvider::new(), &folder.text(), "a.parquet").unwrap_err();
    assert_eq!(
        error.message,
        "a.parquet: this is not a Parquet file: it does not begin with PAR1"
    );
}

#[test]
fn a_file_that_is_cut_off_is_an_error() {
    let folder = Folder::new();
    for name in ["snappy.parquet", "encodings.parquet"] {
        let whole = stored(name);
        for end in 0..whole.len() {
            let error = of_bytes(&folder, &whole[..end]).expect_err("a part of a file");
            assert!(error.message.starts_with("a.parquet"), "{}", error.message);
        }
    }
}

/// A panic that becomes an error is not reported: with its backtrace it would take as long as a thousand files.
fn quieten() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !is_decoding() {
                report(panic);
            }
        }));
    });
}

/// Whatever byte is another one, there are values or an error that names the file; tables keep their count of rows.
#[test]
fn changed_bytes_are_values_or_an_error() {
    quieten();
    let (folder, mut read, mut refused) = (Folder::new(), 0, 0);
    for name in ["encodings", "zstd", "duckdb", "records"] {
        let mut bytes = stored(&format!("{name}.parquet"));
        for at in 0..bytes.len() {
            let mask = [1, 0xff, 0x80][at % 3];
            bytes[at] ^= mask;
            match of_bytes(&folder, &bytes) {
                Ok(table) => {
                    read += 1;
                    let columns = table.columns.iter();
                    let counts = columns.map(|column| column.numbers.len());
                    assert!(counts.into_iter().all(|count| count == table.rows));
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.message.starts_with("a.parquet"), "{}", error.message);
                }
            }
            bytes[at] ^= mask;
        }
    }
    assert!(
        read > 1000 && refused > 1000,
        "{read} read, {refused} refused"
    );
}

/// A file whose columns are these elements of a schema and that has no rows.
fn of_schema(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut footer = vec![0x15, 2, 0x19, 0xfc];
    footer.extend(varint(elements.len() as u64));
    footer.extend(elements.concat());
    footer.extend([0x16, 0, 0x19, 0x0c, 0]);
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", footer.as_slice(), &length, b"PAR1"].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[test]
fn groups_in_groups_do_not_overflow_the_stack() {
    let group = vec![0x35, 0, 0x18, 1, b'a', 0x15, 2, 0];
    let leaf = vec![0x15, 2, 0x25, 0, 0x18, 1, b'a', 0];
    let nested = |depth: usize| {
        let mut elements = vec![group.clone(); depth];
        elements.push(leaf.clone());
        of_bytes(&Folder::new(), &of_schema(&elements))
            .unwrap_err()
            .message
    };
    assert_eq!(
        nested(60),
        "a.parquet: the data set is empty: the file holds no row"
    );
    assert_eq!(
        nested(200_000),
        "a.parquet: the file is damaged or cut off (more than 64 groups in groups)"
    );
}
