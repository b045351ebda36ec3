//! JSON lines, dates, addresses, and several files by one pattern.
use super::*;
use crate::data::Order;
use crate::data::survey::{Dialect, Kind, survey};

fn jsonl(text: &str, transforms: &[Transform]) -> Result<Arc<DataSet>, DataError> {
    open(
        &Folder::new().with("a.jsonl", text),
        reader("jsonl", &["a.jsonl"], &[]),
        transforms,
    )
}

#[test]
fn records_become_the_columns_of_a_table() {
    let text = r#"
        {"width": 2, "at": {"x": 1.5, "y": -1}, "pixels": [[1, 2], [3, 4]], "ripe": true, "kind": "b"}

        {"kind": "a", "ripe": false, "width": 4, "pixels": [[5, 6], [7, 8]], "at": {"x": 2, "y": null}}
    "#;
    let pipe = [
        step("target", &[string("kind")], &[]),
        step("fill_missing", &[number(9.0)], &[]),
    ];
    let expected = [
        2.0, 1.5, -1.0, 1.0, 2.0, 3.0, 4.0, 1.0, 4.0, 2.0, 9.0, 5.0, 6.0, 7.0, 8.0, 0.0,
    ];
    let set = jsonl(text, &pipe).unwrap();
    assert_eq!(values(&set, "", "x"), expected);
    assert_eq!(values(&set, "", "y"), [1.0, 0.0]);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let set = jsonl(&format!("[{}]", lines.join(",")), &pipe).unwrap();
    assert_eq!(values(&set, "", "x"), expected, "one array");
}

#[test]
fn malformed_records_name_line_and_column() {
    for (text, expected) in [
        (
            "{\"a\": 1}\n{\"a\": }\n",
            "a.jsonl, line 2, character 7: expected value",
        ),
        (
            "{\"a\": 1}\n[1]\n",
            "a.jsonl, line 2, character 0: invalid type: sequence, expected an object",
        ),
        (
            "{\"a\": [1, 2]}\n{\"a\": [1]}\n",
            "a.jsonl, row 2, column \"a\": 1 numbers, where the records before have 2",
        ),
        (
            "{\"a\": [1, \"b\"]}\n",
            "a.jsonl, row 1, column \"a\": an array that holds text",
        ),
        (
            "{\"a\": 1, \"b\": 2, \"a\": 3}\n",
            "a.jsonl, row 1: the field \"a\" stands twice",
        ),
        (
            "\n",
            "a.jsonl: the data set is empty: the file holds no record",
        ),
        (
            "{\"a\": 1}\n{\"b\": 1}\n",
            "a.jsonl, row 2, column \"a\": the value is missing",
        ),
        (
            "{\"a\": 1}\n{\"a\": \"x\"}\n{\"a\": 2}",
            "a.jsonl, row 2, column \"a\": \"x\" is not a number",
        ),
    ] {
        assert_eq!(message(jsonl(text, &[])), expected, "{text}");
    }
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(message(jsonl(&deep, &[])).contains("recursion limit"));
}

#[test]
fn a_table_of_a_column_for_each_row_is_refused_by_its_size() {
    let text: String = (0..3000).map(|at| format!("{{\"c{at}\": 1}}\n")).collect();
    let folder = Folder::new().with("a.jsonl", text);
    let mut provider = FileProvider::new().with_limit(1 << 20);
    let outcome = provider.open(&DataSpec {
        source: reader("jsonl", &["a.jsonl"], &[]),
        transforms: vec![],
        base_dir: folder.text(),
    });
    let error = message(outcome);
    assert!(
        error.ends_with("more than the limit of 1048576 bytes"),
        "{error}"
    );
}

#[test]
fn a_pattern_names_files_in_order_and_columns_go_by_name() {
    let folder = Folder::new()
        .with("part2.csv", "b,a\n4,3\n")
        .with("part10.csv.gz", gzip(b"a,b\n1,2\n"))
        .with("other.csv", "a,c\n1,2\n")
        .with("bad3.csv", "a,b\n1,2\n5,x\n");
    let read = |path: &str| open(&folder, reader("csv", &[path], &[]), &[]);
    let set = read("part*.csv*").unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 2.0, 3.0, 4.0]);
    let (error, help) = failure(read("*.csv"));
    assert_eq!(
        error,
        "bad3.csv and other.csv have different columns: the first has \"b\", the second has not"
    );
    assert_eq!(help, "give both files the columns a, b");
    assert_eq!(
        message(read("[bp]a*[23].csv")),
        "bad3.csv, row 2, column \"b\": \"x\" is not a number"
    );
    let error = read("none*.csv").unwrap_err();
    assert!(error.missing);
    assert_eq!(error.message, "no file matches \"none*.csv\"");
    let set = open(
        &folder,
        reader("csv", &["part2.csv", "bad3.csv"], &[]),
        &[step("take", &[number(2.0)], &[])],
    );
    assert_eq!(values(&set.unwrap(), "", "x"), [4.0, 3.0, 2.0, 1.0]);
}

#[test]
fn a_pattern_stays_in_the_folder_of_a_host() {
    let folder = Folder::new().with("secret.csv", "a\n1\n");
    let inner = folder.0.join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("in1.csv"), "a\n2\n").unwrap();
    std::os::unix::fs::symlink(folder.0.join("secret.csv"), inner.join("link.csv")).unwrap();
    let mut provider = FileProvider::rooted(&inner).unwrap();
    let mut read = |path: &str| {
        provider.open(&DataSpec {
            source: reader("csv", &[path], &[]),
            transforms: vec![],
            base_dir: String::new(),
        })
    };
    assert_eq!(values(&read("in*.csv").unwrap(), "", "x"), [2.0]);
    let absolute = format!("{}/*.csv", folder.text());
    for path in ["../*.csv", "../inner/../*.csv", absolute.as_str(), "*.csv"] {
        let error = message(read(path));
        let refused = error.contains("lies outside the folder") || error.contains("with `..`");
        assert!(refused, "{path}: {error}");
    }
}

#[test]
fn a_pattern_in_a_folder_goes_from_any_base() {
    // The base folder of a program in the working directory is `.`, at the prompt it is empty.
    let provider = FileProvider::new();
    let here = std::env::current_dir().unwrap().display().to_string();
    for (base, pattern, found) in [
        (".", "src/data/cs*.rs", "src/data/csv.rs"),
        ("", "src/data/cs*.rs", "src/data/csv.rs"),
        ("", "./src/data/cs*.rs", "./src/data/csv.rs"),
        (".", "./src/data/cs*.rs", "./src/data/csv.rs"),
        ("./src", "data/cs*.rs", "data/csv.rs"),
        ("src/./data", "cs*.rs", "csv.rs"),
        ("src/data", "../data/cs*.rs", "../data/csv.rs"),
        (".", "src/dat?/cs*.rs", "src/data/csv.rs"),
        (&here, "src/data/cs*.rs", "src/data/csv.rs"),
    ] {
        let spec = DataSpec {
            source: reader("text", &[pattern], &[]),
            transforms: vec![],
            base_dir: base.to_string(),
        };
        let files = provider.files_of(&spec).unwrap();
        assert_eq!(files, [found], "{base}: {pattern}");
        assert!(provider.resolve(base, &files[0]).unwrap().is_file());
    }
}

#[test]
fn archives_of_a_pattern_follow_one_another_and_idx_takes_none() {
    let x = |value: f32| npy("<f4", "False", "(1,)", &value.to_le_bytes());
    let folder = Folder::new()
        .with("a1.npz", zip(&[("x.npy", x(1.0)), ("y.npy", x(2.0))]))
        .with("a2.npz", zip(&[("y.npy", x(4.0)), ("x.npy", x(3.0))]))
        .with("b1.npz", zip(&[("x.npy", x(1.0))]))
        .with("b2.npz", zip(&[("x.npy", x(1.0)), ("z.npy", x(2.0))]))
        .with("images-1", idx_images(1));
    let read = |name: &str, path: &str| open(&folder, reader(name, &[path], &[]), &[]);
    let set = read("npz", "a*.npz").unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 3.0]);
    assert_eq!(values(&set, "", "y"), [2.0, 4.0]);
    assert_eq!(
        message(read("npz", "[ab]1.npz")),
        "b1.npz: the field `y` of a1.npz is not there"
    );
    assert_eq!(
        message(read("npz", "b*.npz")),
        "b2.npz: the field `z` is not one of b1.npz"
    );
    let (message, help) = failure(read("idx", "images-*"));
    assert!(
        message.starts_with("there is no file \"images-*\""),
        "{message}"
    );
    assert_eq!(help, "a pattern names no file here: write the name itself");
}

#[test]
fn arrays_and_texts_of_a_pattern_follow_one_another() {
    let one = |values: &[f32]| -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        npy(
            "<f4",
            "False",
            &format!("({}, 2)", values.len() / 2),
            &bytes,
        )
    };
    let folder = Folder::new()
        .with("a1.npy", one(&[1.0, 2.0]))
        .with("a2.npy", gzip(&one(&[3.0, 4.0, 5.0, 6.0])))
        .with("b1.txt", "ab")
        .with("b2.txt", "ba");
    let set = open(&folder, reader("npy", &["a?.npy"], &[]), &[]).unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let set = open(&folder, reader("text", &["b*.txt"], &[]), &[]).unwrap();
    assert_eq!(values(&set, "", "tokens"), [0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn an_address_is_no_file() {
    let read = |path: &str| open(&Folder::new(), reader("csv", &[path], &[]), &[]);
    let error = read("https://data.invalid/sets/iris.csv?raw=1").unwrap_err();
    assert!(error.missing);
    assert_eq!(
        error.message,
        "\"https://data.invalid/sets/iris.csv?raw=1\" is an address: files are read, and nothing is fetched"
    );
    assert_eq!(
        error.help.as_deref(),
        Some(
            "fetch it once, `curl -L -o iris.csv https://data.invalid/sets/iris.csv?raw=1`, and write \"iris.csv\""
        )
    );
    let (_, help) = failure(read("file:///tmp/a.csv"));
    assert_eq!(help, "write the path alone: \"/tmp/a.csv\"");
}

#[test]
fn dates_become_days_or_parts() {
    let text = "day,price\n2024-01-31,1\n,2\n1970-01-02 06:00,3\n";
    let days = step("dates", &[string("day")], &[]);
    let set = csv(text, &[days.clone(), step("drop_missing", &[], &[])]).unwrap();
    assert_eq!(values(&set, "", "x"), [19_753.0, 1.0, 1.25, 3.0]);
    let list = DataOption::List(vec![string("month"), string("weekday")]);
    let parts = step("dates", &[string("day")], &[("parts", list)]);
    let set = csv(text, &[parts, step("drop_missing", &[], &[])]).unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 2.0, 1.0, 1.0, 4.0, 3.0]);
    assert_eq!(
        failure(csv(text, &[])),
        (
            "a.csv: column \"day\" holds text, which cannot be part of `x`".to_string(),
            "add dates(\"day\") or drop(\"day\") to the pipe".to_string()
        )
    );
    assert_eq!(
        failure(csv("day,price\n31/01/2024,1\n", &[days])),
        (
            "a.csv, row 1, column \"day\": \"31/01/2024\" is not a date".to_string(),
            "if the day comes first, write dates(..., order = \"dmy\")".to_string()
        )
    );
    let named = step("dates", &[string("day")], &[("parts", string("mnth"))]);
    assert_eq!(
        failure(csv(text, &[named])),
        (
            "`dates`: a date has no part \"mnth\"".to_string(),
            "did you mean `month`?".to_string()
        )
    );
}

#[test]
fn a_survey_knows_kinds_ranges_classes_and_what_is_missing() {
    let folder = Folder::new().with(
        "a.csv.gz",
        gzip(b"n,size,day,kind\n1,0.5,2024-01-01,b\n2,NA,2024-02-01,a\n3,1.5,2024-03-01,b\n"),
    );
    let path = folder.0.join("a.csv.gz").display().to_string();
    let found = survey(&path, &Dialect::default()).unwrap();
    assert_eq!((found.reader, found.rows), ("csv", Some(3)));
    let kinds: Vec<Kind> = found.columns.iter().map(|facts| facts.kind).collect();
    assert_eq!(kinds, [Kind::Whole, Kind::Number, Kind::Date, Kind::Text]);
    let size = &found.columns[1];
    let range = size.range.unwrap();
    assert_eq!(
        (size.missing, range.low, range.high, range.mean),
        (1, 0.5, 1.5, 1.0)
    );
    assert_eq!(range.deviation, 0.5);
    assert_eq!(size.histogram, [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let kind = &found.columns[3];
    assert_eq!(kind.values, [("b".to_string(), 2), ("a".to_string(), 1)]);
    let day = found.columns[2].range.unwrap();
    assert_eq!(crate::data::written_day(day.high), "2024-03-01");
}

#[test]
fn a_survey_knows_dates_however_written_and_what_is_odd() {
    let mut text = String::from(",dmy,mdy,either,bad,n\n");
    for row in 0..20 {
        let day = row % 12 + 1;
        let bad = match row {
            3 => "unknown".to_string(),
            _ => format!("2024-02-{:02}", row + 1),
        };
        let n = if row == 7 { "n/a" } else { "1.5" };
        text += &format!(
            "{row},{}/01/2024,01/{}/2024,{day}.02.2024,{bad},{n}\n",
            row + 1,
            row + 1
        );
    }
    let folder = Folder::new().with("a.csv", &text);
    let path = folder.0.join("a.csv").display().to_string();
    let found = survey(&path, &Dialect::default()).unwrap();
    assert!(found.unnamed);
    let dates: Vec<(&str, Kind, Option<Order>, usize)> = found
        .columns
        .iter()
        .map(|facts| {
            let order = facts.writing.map(|writing| writing.order);
            (facts.name.as_str(), facts.kind, order, facts.stray)
        })
        .collect();
    assert_eq!(
        dates,
        [
            ("dmy", Kind::Date, Some(Order::Dmy), 0),
            ("mdy", Kind::Date, Some(Order::Mdy), 0),
            ("either", Kind::Date, Some(Order::Dmy), 0),
            ("bad", Kind::Date, Some(Order::Ymd), 1),
            ("n", Kind::Number, None, 1),
        ]
    );
    let ambiguous: Vec<bool> = found.columns[..4]
        .iter()
        .map(|facts| facts.writing.is_some_and(|writing| writing.ambiguous))
        .collect();
    assert_eq!(ambiguous, [false, false, true, false]);
    assert_eq!(found.columns[3].strays, [("unknown".to_string(), 1)]);
    assert_eq!(found.columns[4].strays, [("n/a".to_string(), 1)]);
    let last = |at: usize| found.columns[at].range.map(|range| range.high);
    assert_eq!(last(0).map(crate::data::written_day).unwrap(), "2024-01-20");
    assert_eq!(last(1), last(0));
    // What a program is told that forgets them says how they are written.
    let (_, help) = failure(open(&folder, reader("csv", &["a.csv"], &[]), &[]));
    assert_eq!(
        help,
        "add dates(\"dmy\", order = \"dmy\") or drop(\"dmy\") to the pipe"
    );
}

#[test]
fn booleans_of_json_lines_are_shown_as_such() {
    let lines = concat!(
        "{\"open\": true, \"seen\": [true, false], \"mixed\": true, \"size\": 1}\n",
        "{\"open\": false, \"seen\": [null, false], \"mixed\": 2, \"size\": 0}\n",
        "{\"open\": true, \"seen\": [false, false], \"mixed\": null, \"size\": 1}\n"
    );
    let more = "{\"open\": 1, \"seen\": [true, true], \"mixed\": 0, \"size\": 1}\n";
    let folder = Folder::new().with("a.jsonl", lines).with("b.jsonl", more);
    let of = |name: &str| {
        let path = folder.0.join(name).display().to_string();
        survey(&path, &Dialect::default()).unwrap()
    };
    let found = of("a.jsonl");
    let kinds: Vec<Kind> = found.columns.iter().map(|facts| facts.kind).collect();
    assert_eq!(
        kinds,
        [Kind::Flag, Kind::Flag, Kind::Flag, Kind::Whole, Kind::Whole]
    );
    let values = |at: usize| found.columns[at].values.clone();
    assert_eq!(values(0), [("true".into(), 2), ("false".into(), 1)]);
    assert_eq!(values(1), [("false".into(), 1), ("true".into(), 1)]);
    assert_eq!((found.columns[1].missing, values(2).len()), (1, 1));
    // A column is one of booleans in all files or in none.
    let found = of("*.jsonl");
    assert_eq!(found.columns[0].kind, Kind::Whole);
    assert_eq!(found.columns[1].kind, Kind::Flag);
}

#[test]
fn a_format_that_no_reader_takes_is_named_with_the_way_out() {
    let cases: [(&str, &[u8], &str, &str); 7] = [
        (
            "a.feather",
            b"ARROW1\0\0\x01",
            "an Arrow (Feather) file",
            "read_feather",
        ),
        (
            "a.xlsx",
            b"PK\x03\x04\x01",
            "an Excel workbook",
            "read_excel",
        ),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file", "h5py"),
        ("a.db", b"SQLite format 3\0", "a SQLite database", "sqlite3"),
        (
            "a.pkl",
            b"\x80\x04\x95",
            "a pickled Python object",
            "to_csv",
        ),
        (
            "a.csv.zst",
            b"\x28\xb5\x2f\xfd",
            "compressed by zstd",
            "zstd -d a.csv.zst",
        ),
        ("a.csv.bz2", b"BZh9", "compressed by bzip2", "gzip"),
    ];
    for (name, bytes, what, way) in cases {
        let folder = Folder::new().with(name, bytes);
        let (message, help) = failure(open(&folder, reader("csv", &[name], &[]), &[]));
        assert_eq!(
            message,
            format!("\"{name}\" is {what}, which no reader takes")
        );
        assert!(help.contains(way), "{help}");
        let path = folder.0.join(name).display().to_string();
        let error = survey(&path, &Dialect::default()).unwrap_err();
        assert!(error.message.contains(what), "{}", error.message);
    }
    let folder = Folder::new().with("a.parquet", b"PAR1\x15\0PAR1");
    let (message, help) = failure(open(&folder, reader("csv", &["a.parquet"], &[]), &[]));
    assert_eq!(message, "\"a.parquet\" is a Parquet file");
    assert_eq!(help, "read it by parquet(\"a.parquet\")");
    // What only begins like one is read.
    let folder = Folder::new().with("a.csv", "PAR1,y\n1,2\n");
    assert!(open(&folder, reader("csv", &["a.csv"], &[]), &[]).is_ok());
}
