//! Tests of whole pipes on tiny files.
use super::*;
use crate::base::data::{DataOption, DataSource, Transform};
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::DType;
use proptest::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is removed at the end of its test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("dlmc-data-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path.canonicalize().unwrap())
    }

    fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Folder {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self
    }

    fn text(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn number(value: f64) -> DataOption {
    DataOption::Number(value)
}

fn string(value: &str) -> DataOption {
    DataOption::Text(value.to_string())
}

/// `name(a, b, key = value)`.
fn step(name: &str, arguments: &[DataOption], options: &[(&str, DataOption)]) -> Transform {
    let options = options
        .iter()
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect();
    Transform {
        name: name.to_string(),
        arguments: arguments.to_vec(),
        options,
    }
}

fn reader(name: &str, paths: &[&str], options: &[(&str, DataOption)]) -> DataSource {
    DataSource::Reader {
        name: name.to_string(),
        paths: paths.iter().map(|path| path.to_string()).collect(),
        options: options
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect(),
    }
}

fn open(
    folder: &Folder,
    source: DataSource,
    transforms: &[Transform],
) -> Result<Arc<DataSet>, DataError> {
    FileProvider::new().open(&DataSpec {
        source,
        transforms: transforms.to_vec(),
        base_dir: folder.text(),
    })
}

fn csv(text: &str, transforms: &[Transform]) -> Result<Arc<DataSet>, DataError> {
    open(
        &Folder::new().with("a.csv", text),
        reader("csv", &["a.csv"], &[]),
        transforms,
    )
}

fn field(set: &DataSet, part: &str, name: &str) -> Tensor {
    set.part(part).unwrap().field(name).unwrap().clone()
}

fn values(set: &DataSet, part: &str, name: &str) -> Vec<f64> {
    field(set, part, name).to_f64()
}

/// Message and help of an expected error.
fn failure(outcome: Result<Arc<DataSet>, DataError>) -> (String, String) {
    let error = outcome.expect_err("an error");
    (error.message, error.help.unwrap_or_default())
}

fn message(outcome: Result<Arc<DataSet>, DataError>) -> String {
    failure(outcome).0
}

const FLOWERS: &str = "length,width,species\n1,2,b\n3,4,a\n5,6,b\n";

#[test]
fn a_table_of_numbers_is_x() {
    let set = csv("a,b\n1,2\n3,4.5\n", &[]).unwrap();
    assert_eq!(set.field_type("", "x").unwrap().to_string(), "f32[2, 2]");
    assert_eq!(values(&set, "", "x"), [1.0, 2.0, 3.0, 4.5]);
    assert_eq!(set.summary, "a.csv: 2 rows, 2 columns");
}

#[test]
fn a_target_of_text_gives_classes_sorted_by_name() {
    let set = csv(FLOWERS, &[step("target", &[string("species")], &[])]).unwrap();
    assert_eq!(field(&set, "", "y").as_i32().unwrap(), [1, 0, 1]);
    assert_eq!(
        set.classes,
        [("y".to_string(), vec!["a".to_string(), "b".to_string()])]
    );
    assert_eq!(values(&set, "", "x"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(set.summary, "a.csv: 3 rows, 2 columns, 2 classes");
}

#[test]
fn a_target_of_numbers_is_f32_or_classes_on_demand() {
    let set = csv(
        "a,y\n1,7\n2,10\n3,7\n",
        &[step("target", &[string("y")], &[])],
    )
    .unwrap();
    assert_eq!(field(&set, "", "y").as_f32().unwrap(), [7.0, 10.0, 7.0]);
    let classes = [("classes", DataOption::Flag(true))];
    let set = csv(
        "a,y\n1,7\n2,10\n3,7\n",
        &[step("target", &[string("y")], &classes)],
    )
    .unwrap();
    assert_eq!(field(&set, "", "y").as_i32().unwrap(), [0, 1, 0]);
    assert_eq!(set.classes[0].1, ["7", "10"]);
    let error = message(csv(
        "a,y\n1,7\n2,1.5\n",
        &[step("target", &[string("y")], &classes)],
    ));
    assert_eq!(
        error,
        "a.csv, row 2, column \"y\": 1.5 is no class: classes are text or whole numbers"
    );
}

#[test]
fn several_targets_are_a_matrix_in_the_order_named() {
    let set = csv(
        "a,b,c\n1,2,3\n4,5,6\n",
        &[step("target", &[string("c"), string("a")], &[])],
    )
    .unwrap();
    assert_eq!(set.field_type("", "y").unwrap().to_string(), "f32[2, 2]");
    assert_eq!(values(&set, "", "y"), [3.0, 1.0, 6.0, 4.0]);
}

#[test]
fn separators_are_found_and_quotes_are_read() {
    for text in [
        "a;b\n1;2\n",
        "a\tb\n1\t2\n",
        "\"a\",\"b\"\r\n\"1\",\"2\"\r\n",
        "\u{feff}a,b\n1,2\n",
    ] {
        assert_eq!(
            values(&csv(text, &[]).unwrap(), "", "x"),
            [1.0, 2.0],
            "{text:?}"
        );
    }
    let folder = Folder::new().with("a.csv", "1|2\n3|4\n");
    let options = [
        ("separator", string("|")),
        ("header", DataOption::Flag(false)),
    ];
    let set = open(
        &folder,
        reader("csv", &["a.csv"], &options),
        &[step("drop", &[string("c0")], &[])],
    )
    .unwrap();
    assert_eq!(values(&set, "", "x"), [2.0, 4.0]);
}

#[test]
fn malformed_tables_are_errors_with_places() {
    let cases = [
        (
            "a,b\n1,2\n3\n",
            "a.csv, row 2: 1 cells, where the header has 2",
        ),
        (
            "a,b\n1,2\n3,n/a\n5,6\n",
            "a.csv, row 2, column \"b\": \"n/a\" is not a number",
        ),
        (
            "a,b\n1,2\n3,\n5,6\n",
            "a.csv, row 2, column \"b\": the value is missing",
        ),
        (
            "a,b\n1,2\n3,1e300\n",
            "a.csv, row 2, column \"b\": 1e300 is too large for f32",
        ),
        (
            "a,a\n1,2\n",
            "a.csv, header: columns 1 and 2 are both called \"a\"",
        ),
        ("a,\n1,2\n", "a.csv, header: column 2 has no name"),
        (
            "a,b\n",
            "a.csv: the data set is empty: there is no row below the header",
        ),
        ("", "a.csv: the data set is empty: the file holds no line"),
        (
            FLOWERS,
            "a.csv: column \"species\" holds text, which cannot be part of `x`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(message(csv(text, &[])), expected);
    }
    let (_, help) = failure(csv(FLOWERS, &[]));
    assert_eq!(
        help,
        "add target(\"species\"), drop(\"species\") or one_hot(\"species\") to the pipe"
    );
    let (_, help) = failure(csv("a,b\n1,2\n3,n/a\n5,6\n", &[]));
    assert_eq!(
        help,
        "this is line 3 of the file; if it means a missing value, write csv(..., missing = \"n/a\")"
    );
    let folder = Folder::new().with("a.csv", b"a,b\n1,\xff\n");
    assert_eq!(
        message(open(&folder, reader("csv", &["a.csv"], &[]), &[])),
        "a.csv, line 2: byte 6 is not UTF-8"
    );
}

#[test]
fn unknown_names_are_errors_with_the_nearest() {
    let (error, help) = failure(csv(FLOWERS, &[step("target", &[string("specie")], &[])]));
    assert_eq!(
        error,
        "a.csv: `target` names a column \"specie\" that is not there"
    );
    assert_eq!(help, "did you mean `species`?");
    let (error, help) = failure(csv(FLOWERS, &[step("standardise", &[], &[])]));
    assert_eq!(error, "there is no transform `standardise` of data");
    assert_eq!(help, "did you mean `standardize`?");
    let (error, help) = failure(csv(
        FLOWERS,
        &[step("windows", &[number(2.0)], &[("strid", number(1.0))])],
    ));
    assert_eq!(error, "`windows` has no option `strid`");
    assert_eq!(help, "did you mean `stride`?");
    let folder = Folder::new().with("a.csv", FLOWERS);
    let (error, help) = failure(open(&folder, reader("cvs", &["a.csv"], &[]), &[]));
    assert_eq!(
        (error.as_str(), help.as_str()),
        ("there is no reader `cvs`", "did you mean `csv`?")
    );
    let (error, help) = failure(open(
        &folder,
        reader("csv", &["a.csv"], &[("seperator", string(","))]),
        &[],
    ));
    assert_eq!(
        (error.as_str(), help.as_str()),
        (
            "`csv` has no option `seperator`",
            "did you mean `separator`?"
        )
    );
    let (error, _) = failure(open(&folder, reader("csv", &[], &[]), &[]));
    assert_eq!(error, "`csv` is given 0 paths and takes 1");
}

#[test]
fn a_missing_file_names_its_folder_and_the_nearest_file() {
    let folder = Folder::new().with("iris.csv", FLOWERS);
    let error = open(&folder, reader("csv", &["irs.csv"], &[]), &[]).unwrap_err();
    assert!(error.missing);
    assert_eq!(
        error.message,
        format!("there is no file \"irs.csv\" in {}", folder.text())
    );
    assert_eq!(error.help.as_deref(), Some("did you mean \"iris.csv\"?"));
    let error = open(&folder, reader("csv", &["sub/iris.csv"], &[]), &[]).unwrap_err();
    assert!(error.missing);
    assert_eq!(
        error.message,
        format!(
            "there is no file \"sub/iris.csv\": the folder {}/sub does not exist",
            folder.text()
        )
    );
    let error = open(&folder, reader("csv", &["."], &[]), &[]).unwrap_err();
    assert_eq!(error.message, "\".\" is a folder, not a file");
}

#[test]
fn a_rooted_provider_refuses_what_lies_outside() {
    let outside = Folder::new().with("secret.csv", "a\n1\n");
    let folder = Folder::new().with("in.csv", "a\n1\n");
    std::fs::create_dir(folder.0.join("sub")).unwrap();
    let mut provider = FileProvider::rooted(&folder.0).unwrap();
    let mut try_path = |base: &str, path: &str| {
        let spec = DataSpec {
            source: reader("csv", &[path], &[]),
            transforms: vec![],
            base_dir: base.to_string(),
        };
        provider
            .open(&spec)
            .map(|_| ())
            .map_err(|error| error.message)
    };
    assert_eq!(try_path("", "in.csv"), Ok(()));
    assert_eq!(try_path("sub", "../in.csv"), Ok(()));
    assert_eq!(
        try_path("", folder.0.join("in.csv").to_str().unwrap()),
        Ok(())
    );
    let refused = |path: &str| {
        Err(format!(
            "\"{path}\" lies outside the folder that this program may read"
        ))
    };
    let absolute = outside.0.join("secret.csv").display().to_string();
    let above = format!("../{}/secret.csv", outside.0.file_name().unwrap().display());
    for path in [
        absolute.as_str(),
        above.as_str(),
        "../nothing.csv",
        "/etc/passwd",
        "/nonexistent/x",
    ] {
        assert_eq!(try_path("", path), refused(path));
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside.0, folder.0.join("link")).unwrap();
        std::os::unix::fs::symlink(outside.0.join("none"), folder.0.join("dangling")).unwrap();
        assert_eq!(try_path("", "link/secret.csv"), refused("link/secret.csv"));
        assert_eq!(try_path("", "link/none.csv"), refused("link/none.csv"));
        assert!(try_path("", "dangling").is_err());
    }
    assert!(
        try_path("", "none.csv")
            .unwrap_err()
            .starts_with("there is no file \"none.csv\" in")
    );
    assert!(provider.resolve("", "new.safetensors").is_ok());
    assert!(provider.resolve("", "../new.safetensors").is_err());
}

#[test]
fn equal_specs_are_read_once_and_sources_are_text() {
    let folder = Folder::new()
        .with("a.csv", "a\n1\n")
        .with("b.dlm", "let x = 1");
    let mut provider = FileProvider::new();
    let spec = DataSpec {
        source: reader("csv", &["a.csv"], &[]),
        transforms: vec![],
        base_dir: folder.text(),
    };
    let first = provider.open(&spec).unwrap();
    std::fs::remove_file(folder.0.join("a.csv")).unwrap();
    assert!(Arc::ptr_eq(&first, &provider.open(&spec).unwrap()));
    let (text, name) = provider.source(&folder.text(), "b.dlm").unwrap();
    assert_eq!(text, "let x = 1");
    assert_eq!(name, folder.0.join("b.dlm").display().to_string());
    assert!(
        provider
            .source(&folder.text(), "c.dlm")
            .unwrap_err()
            .missing
    );
}

#[test]
fn the_limit_holds_for_files_and_tensors() {
    let folder = Folder::new().with("a.csv", "a\n1\n2\n3\n4\n");
    let mut provider = FileProvider::new().with_limit(8);
    let spec = DataSpec {
        source: reader("csv", &["a.csv"], &[]),
        transforms: vec![],
        base_dir: folder.text(),
    };
    assert_eq!(
        provider.open(&spec).unwrap_err().message,
        "a.csv holds more than the limit of 8 bytes"
    );
}

#[test]
fn standardize_uses_the_training_part_also_before_the_split() {
    let rows: String = (0..10)
        .map(|row| format!("{row},{},5\n", if row % 2 == 0 { "a" } else { "b" }))
        .collect();
    let text = format!("v,c,k\n{rows}");
    let target = step("target", &[string("c")], &[]);
    let cut = step(
        "split",
        &[],
        &[("train", number(0.8)), ("seed", number(1.0))],
    );
    let standardize = step("standardize", &[], &[]);
    let before = csv(&text, &[standardize.clone(), target.clone(), cut.clone()]).unwrap();
    let after = csv(&text, &[target.clone(), cut.clone(), standardize]).unwrap();
    assert_eq!(before.parts, after.parts);
    assert_eq!(
        (
            before.part("train").unwrap().rows(),
            before.part("test").unwrap().rows()
        ),
        (8, 2)
    );
    let raw = csv(&text, &[target, cut]).unwrap();
    let column = |set: &DataSet, part: &str| {
        values(set, part, "x")
            .into_iter()
            .step_by(2)
            .collect::<Vec<f64>>()
    };
    let train = column(&raw, "train");
    let mean = train.iter().sum::<f64>() / 8.0;
    let deviation = (train.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 8.0).sqrt();
    for part in ["train", "test"] {
        for (raw, scaled) in column(&raw, part).iter().zip(column(&before, part)) {
            assert!(((raw - mean) / deviation - scaled).abs() < 1e-6);
        }
    }
    // The constant column becomes 0, not NaN.
    assert!(
        values(&before, "test", "x")
            .into_iter()
            .skip(1)
            .step_by(2)
            .all(|v| v == 0.0)
    );
}

#[test]
fn statistics_have_their_golden_numbers() {
    let text = "a,b\n1,10\n2,20\n3,30\n4,40\n";
    let set = csv(text, &[step("standardize", &[], &[])]).unwrap();
    let golden = [-1.341_640_8, -0.447_213_6, 0.447_213_6, 1.341_640_8];
    for (row, expected) in golden.iter().enumerate() {
        assert!((values(&set, "", "x")[2 * row] - expected).abs() < 1e-6);
    }
    let set = csv(
        text,
        &[step("standardize", &[number(1.0), number(2.0)], &[])],
    )
    .unwrap();
    assert_eq!(values(&set, "", "x")[..4], [0.0, 4.5, 0.5, 9.5]);
    let set = csv(text, &[step("scale", &[number(-1.0), number(1.0)], &[])]).unwrap();
    assert_eq!(values(&set, "", "x")[6..], [1.0, 1.0]);
    assert_eq!(values(&set, "", "x")[..2], [-1.0, -1.0]);
    let set = csv(text, &[step("scale", &[number(0.5)], &[])]).unwrap();
    assert_eq!(values(&set, "", "x")[..2], [0.5, 5.0]);
    let set = csv(
        text,
        &[
            step("target", &[string("b")], &[]),
            step("standardize", &[string("y")], &[]),
        ],
    )
    .unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 2.0, 3.0, 4.0]);
    assert!((values(&set, "", "y")[0] + 1.341_640_8).abs() < 1e-6);
}

#[test]
fn missing_values_are_dropped_or_filled() {
    let text = "a,b\n1,1\n,2\n3,NA\n8,4\n";
    let set = csv(text, &[step("drop_missing", &[], &[])]).unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 1.0, 8.0, 4.0]);
    let set = csv(text, &[step("fill_missing", &[], &[])]).unwrap();
    assert_eq!(values(&set, "", "x")[2], 4.0);
    let set = csv(text, &[step("fill_missing", &[string("median")], &[])]).unwrap();
    assert_eq!(
        values(&set, "", "x"),
        [1.0, 1.0, 3.0, 2.0, 3.0, 2.0, 8.0, 4.0]
    );
    let set = csv(text, &[step("fill_missing", &[number(-1.0)], &[])]).unwrap();
    assert_eq!(values(&set, "", "x")[2], -1.0);
    let error = message(csv(
        text,
        &[
            step("target", &[string("a")], &[]),
            step("fill_missing", &[], &[]),
        ],
    ));
    assert_eq!(error, "a.csv, row 2, column \"a\": the value is missing");
    assert_eq!(
        message(csv("a\nNA\n", &[step("drop_missing", &[], &[])])),
        "a.csv: the data set is empty: no row is left"
    );
}

#[test]
fn one_hot_makes_indicators_of_targets_and_columns() {
    let set = csv(
        FLOWERS,
        &[
            step("target", &[string("species")], &[]),
            step("one_hot", &[], &[]),
        ],
    )
    .unwrap();
    assert_eq!(set.field_type("", "y").unwrap().to_string(), "f32[3, 2]");
    assert_eq!(values(&set, "", "y"), [0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
    let set = csv(FLOWERS, &[step("one_hot", &[string("species")], &[])]).unwrap();
    assert_eq!(values(&set, "", "x")[..4], [1.0, 2.0, 0.0, 1.0]);
    let y = Tensor::new([3], Elements::I32(vec![0, 1, 4])).unwrap();
    let source = DataSource::Tensors(vec![("y".to_string(), y)]);
    let cut = step(
        "split",
        &[number(0.67)],
        &[("shuffle", DataOption::Flag(false))],
    );
    let (error, help) = failure(open(
        &Folder::new(),
        source,
        &[cut, step("one_hot", &[], &[])],
    ));
    assert_eq!(error, "data, row 3, `y`: the class 4 is not below 2");
    assert_eq!(
        help,
        "if there are more classes, write one_hot(\"y\", classes = 5)"
    );
}

fn counted(rows: usize) -> DataSource {
    let x = Tensor::new(
        [rows, 1],
        Elements::F32((0..rows).map(|row| row as f32).collect()),
    )
    .unwrap();
    let y = Tensor::new(
        [rows],
        Elements::I32((0..rows).map(|row| i32::from(row % 10 == 0)).collect()),
    )
    .unwrap();
    DataSource::Tensors(vec![("x".to_string(), x), ("y".to_string(), y)])
}

#[test]
fn split_divides_every_row_once() {
    let shares = [
        ("train", number(0.8)),
        ("valid", number(0.1)),
        ("test", number(0.1)),
        ("seed", number(3.0)),
    ];
    let set = open(&Folder::new(), counted(100), &[step("split", &[], &shares)]).unwrap();
    let names: Vec<&str> = set.parts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["train", "valid", "test"]);
    let mut all: Vec<f64> = names
        .iter()
        .flat_map(|part| values(&set, part, "x"))
        .collect();
    assert_ne!(all, (0..100).map(f64::from).collect::<Vec<f64>>());
    all.sort_unstable_by(f64::total_cmp);
    assert_eq!(all, (0..100).map(f64::from).collect::<Vec<f64>>());
    assert_eq!(
        set.summary,
        "data: 100 rows, 1 columns (train 80, valid 10, test 10)"
    );
    let other = open(
        &Folder::new(),
        counted(100),
        &[step(
            "split",
            &[],
            &[("train", number(0.8)), ("seed", number(4.0))],
        )],
    )
    .unwrap();
    assert_ne!(values(&set, "train", "x"), values(&other, "train", "x"));
    // x and y stay together.
    for part in names {
        for (x, y) in values(&set, part, "x").iter().zip(values(&set, part, "y")) {
            assert_eq!(f64::from(u8::from(x % 10.0 == 0.0)), y);
        }
    }
}

#[test]
fn a_stratified_split_gives_each_part_its_share() {
    let shares = [
        ("train", number(0.8)),
        ("stratify", DataOption::Flag(true)),
        ("seed", number(1.0)),
    ];
    let set = open(&Folder::new(), counted(100), &[step("split", &[], &shares)]).unwrap();
    assert_eq!(values(&set, "train", "y").iter().sum::<f64>(), 8.0);
    assert_eq!(values(&set, "test", "y").iter().sum::<f64>(), 2.0);
    assert_eq!(set.part("train").unwrap().rows(), 80);
}

#[test]
fn wrong_splits_are_errors() {
    let cases: &[(&[(&str, DataOption)], &str)] = &[
        (&[], "`split` is given no share"),
        (
            &[("train", number(0.8)), ("test", number(0.1))],
            "`split`: the shares add to 0.9, not to 1",
        ),
        (
            &[("train", number(0.8)), ("valid", number(0.3))],
            "`split`: the shares add to 1.1, not to 1",
        ),
        (
            &[("train", number(1.0))],
            "`split`: 1 for `train` is neither a fraction between 0 and 1 nor a number of rows",
        ),
        (
            &[("train", number(-0.5))],
            "`split`: -0.5 for `train` is neither a fraction between 0 and 1 nor a number of rows",
        ),
        (
            &[("train", number(200.0))],
            "`split`: the parts want more rows than the 10 there are",
        ),
        (
            &[("train", number(4.0)), ("test", number(4.0))],
            "`split`: 2 of 10 rows are left over",
        ),
        (
            &[("train", number(0.99))],
            "data: the part `test` of the split is empty (10 rows in all)",
        ),
        (
            &[("train", number(0.5)), ("seed", number(0.5))],
            "`split`: `seed` wants a whole number and is given 0.5",
        ),
        (
            &[("train", number(0.5)), ("stratify", string("x"))],
            "data: `split` is to stratify by `x`, which holds no classes",
        ),
        (
            &[("train", string("a"))],
            "`split`: the share of `train` is not a number",
        ),
    ];
    for (options, expected) in cases {
        assert_eq!(
            message(open(
                &Folder::new(),
                counted(10),
                &[step("split", &[], options)]
            )),
            *expected
        );
    }
    let set = open(
        &Folder::new(),
        counted(10),
        &[step("split", &[], &[("train", number(7.0))])],
    )
    .unwrap();
    assert_eq!(set.part("test").unwrap().rows(), 3);
}

#[test]
fn take_and_shuffle_choose_rows() {
    let set = open(
        &Folder::new(),
        counted(10),
        &[step("take", &[number(3.0)], &[])],
    )
    .unwrap();
    assert_eq!(values(&set, "", "x"), [0.0, 1.0, 2.0]);
    let (error, help) = failure(open(
        &Folder::new(),
        counted(10),
        &[step("take", &[number(30.0)], &[])],
    ));
    assert_eq!(
        (error.as_str(), help.as_str()),
        (
            "data: `take` wants 30 rows, and there are 10",
            "write take(10) or less"
        )
    );
    let set = open(
        &Folder::new(),
        counted(10),
        &[step("shuffle", &[], &[("seed", number(1.0))])],
    )
    .unwrap();
    let mut all = values(&set, "", "x");
    assert_ne!(all, (0..10).map(f64::from).collect::<Vec<f64>>());
    all.sort_unstable_by(f64::total_cmp);
    assert_eq!(all, (0..10).map(f64::from).collect::<Vec<f64>>());
}

#[test]
fn fields_are_renamed_flattened_reshaped_and_dropped() {
    let set = open(
        &Folder::new(),
        counted(8),
        &[step(
            "rename",
            &[],
            &[("u", string("x")), ("label", string("y"))],
        )],
    )
    .unwrap();
    let names: Vec<&str> = set.parts[0]
        .1
        .fields
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["u", "label"]);
    let (_, help) = failure(open(
        &Folder::new(),
        counted(8),
        &[step("rename", &[], &[("x", string("u"))])],
    ));
    assert_eq!(help, "the new name comes first: write rename(u = \"x\")");
    let set = csv(
        "a,b,c,d\n1,2,3,4\n",
        &[step(
            "reshape",
            &[number(1.0), number(2.0), number(2.0)],
            &[],
        )],
    )
    .unwrap();
    assert_eq!(
        set.field_type("", "x").unwrap().to_string(),
        "f32[1, 1, 2, 2]"
    );
    let back = [
        step("reshape", &[number(2.0), number(2.0)], &[]),
        step("flatten", &[], &[]),
    ];
    assert_eq!(
        csv("a,b,c,d\n1,2,3,4\n", &back)
            .unwrap()
            .field_type("", "x")
            .unwrap()
            .to_string(),
        "f32[1, 4]"
    );
    let error = message(csv(
        "a,b,c,d\n1,2,3,4\n",
        &[step("reshape", &[number(3.0)], &[])],
    ));
    assert_eq!(
        error,
        "a.csv: `reshape` wants [3] of `x`, whose examples have the sizes [4]"
    );
    let set = open(
        &Folder::new(),
        counted(8),
        &[step("drop", &[string("y")], &[])],
    )
    .unwrap();
    assert_eq!(set.parts[0].1.fields.len(), 1);
    let set = csv(
        FLOWERS,
        &[
            step("columns", &[string("width")], &[]),
            step("target", &[string("species")], &[]),
        ],
    )
    .unwrap();
    assert_eq!(values(&set, "", "x"), [2.0, 4.0, 6.0]);
}

#[test]
fn tensors_must_agree_in_their_first_dimension() {
    let tensor = |rows: usize| Tensor::zeros(&crate::base::types::Type::new(DType::F32, [rows, 2]));
    let source = |fields: &[(&str, Tensor)]| {
        DataSource::Tensors(
            fields
                .iter()
                .map(|(name, tensor)| (name.to_string(), tensor.clone()))
                .collect(),
        )
    };
    let error = message(open(
        &Folder::new(),
        source(&[("x", tensor(3)), ("y", tensor(4))]),
        &[],
    ));
    assert_eq!(error, "data: `x` has 3 rows and `y` has 4");
    let error = message(open(
        &Folder::new(),
        source(&[("x", Tensor::scalar(1.0))]),
        &[],
    ));
    assert_eq!(error, "data: `x` is a single number");
    assert_eq!(
        message(open(&Folder::new(), source(&[]), &[])),
        "data: the data set is empty: it has no field"
    );
    let error = message(open(&Folder::new(), source(&[("x", tensor(0))]), &[]));
    assert_eq!(
        error,
        "data: the data set is empty: its first dimension is 0"
    );
}

fn idx_images(count: u32) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for size in [count, 2, 2] {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend((0..count * 4).map(|pixel| (pixel * 51 % 256) as u8));
    bytes
}

fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 1];
    bytes.extend((labels.len() as u32).to_be_bytes());
    bytes.extend(labels);
    bytes
}

#[test]
fn idx_files_give_images_and_labels() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &idx_images(3)).unwrap();
    let folder = Folder::new()
        .with("i", packed.finish().unwrap())
        .with("l", idx_labels(&[2, 0, 1]))
        .with("ti", idx_images(1))
        .with("tl", idx_labels(&[1]));
    let set = open(&folder, reader("idx", &["i", "l"], &[]), &[]).unwrap();
    assert_eq!(
        set.field_type("", "x").unwrap().to_string(),
        "f32[3, 1, 2, 2]"
    );
    assert_eq!(
        values(&set, "", "x")[..4],
        [
            0.0,
            f64::from(51.0f32 / 255.0),
            f64::from(102.0f32 / 255.0),
            f64::from(153.0f32 / 255.0)
        ]
    );
    assert_eq!(field(&set, "", "y").as_i32().unwrap(), [2, 0, 1]);
    assert_eq!(set.summary, "i: 3 images of 2x2, 3 classes");
    let set = open(&folder, reader("idx", &["i", "l", "ti", "tl"], &[]), &[]).unwrap();
    assert_eq!(
        set.summary,
        "i: 4 images of 2x2, 3 classes (train 3, test 1)"
    );
    let cut = step(
        "split",
        &[],
        &[("train", number(2.0)), ("valid", number(1.0))],
    );
    let error = message(open(
        &folder,
        reader("idx", &["i", "l", "ti", "tl"], &[]),
        &[step("split", &[number(0.5)], &[])],
    ));
    assert_eq!(
        error,
        "i: there is already a part `test`, from a file of its own"
    );
    drop(cut);
    let set = open(&folder, reader("idx", &["i"], &[]), &[]).unwrap();
    assert!(set.field_type("", "y").is_none());
}

#[test]
fn malformed_idx_files_are_errors() {
    let good = idx_images(3);
    let mut long = good.clone();
    long.push(0);
    let huge = [&[0, 0, 8, 3][..], &[255; 12]].concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            good[..20].to_vec(),
            "i: cut off: 4 bytes of images, where the sizes [3, 2, 2] need 12",
        ),
        (
            good[..7].to_vec(),
            "i: cut off in the header: 7 bytes, where it has 16",
        ),
        (
            good[..2].to_vec(),
            "i: cut off: 2 bytes, where the header has at least 4",
        ),
        (long, "i: 1 bytes follow the images of sizes [3, 2, 2]"),
        (
            b"PNG file".to_vec(),
            "i: wrong magic number 50 4e 47 20: this is not an IDX file",
        ),
        (
            vec![0, 0, 13, 1, 0, 0, 0, 0],
            "i: elements of type code 0x0d; images are of u8 (0x08)",
        ),
        (
            idx_labels(&[1, 2]),
            "i: labels (one dimension) where images are wanted",
        ),
        (
            idx_images(0),
            "i: the data set is empty: the file holds no image",
        ),
    ];
    for (bytes, expected) in cases {
        let folder = Folder::new()
            .with("i", bytes)
            .with("l", idx_labels(&[1, 2, 3]));
        assert_eq!(
            message(open(&folder, reader("idx", &["i", "l"], &[]), &[])),
            expected
        );
    }
    let folder = Folder::new().with("i", huge);
    assert!(message(open(&folder, reader("idx", &["i"], &[]), &[])).contains("i: "));
    let folder = Folder::new().with("i", good).with("l", idx_labels(&[1; 4]));
    assert_eq!(
        message(open(&folder, reader("idx", &["i", "l"], &[]), &[])),
        "l: 4 labels, more than the 3 images of i"
    );
    assert_eq!(
        message(open(&folder, reader("idx", &["i", "i"], &[]), &[])),
        "i: sizes [3, 2, 2], where labels [n] are wanted"
    );
    let folder = Folder::new().with("i", [0x1f, 0x8b, 8, 0, 0, 0]);
    assert!(
        message(open(&folder, reader("idx", &["i"], &[]), &[]))
            .starts_with("i: the gzip stream is damaged or cut off")
    );
}

fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn open_npy(bytes: Vec<u8>, options: &[(&str, DataOption)]) -> Result<Arc<DataSet>, DataError> {
    open(
        &Folder::new().with("a.npy", bytes),
        reader("npy", &["a.npy"], options),
        &[],
    )
}

#[test]
fn npy_types_become_ours() {
    let bytes = |values: &[f64]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let doubles = npy("<f8", "False", "(2,)", &bytes(&[1.5, -2.0]));
    assert_eq!(
        field(&open_npy(doubles.clone(), &[]).unwrap(), "", "x")
            .as_f32()
            .unwrap(),
        [1.5, -2.0]
    );
    let kept = open_npy(doubles, &[("dtype", string("f64"))]).unwrap();
    assert_eq!(kept.field_type("", "x").unwrap().to_string(), "f64[2]");
    let cases: &[(&str, &[u8], &str, [f64; 2])] = &[
        (">i2", &[255, 254, 1, 0], "i32[2]", [-2.0, 256.0]),
        ("|i1", &[255, 3], "i32[2]", [-1.0, 3.0]),
        ("|u1", &[255, 3], "u8[2]", [255.0, 3.0]),
        ("|b1", &[1, 0], "bool[2]", [1.0, 0.0]),
        ("<u2", &[0, 1, 2, 0], "i32[2]", [256.0, 2.0]),
        ("<f2", &[0, 0x3c, 0, 0xc0], "f32[2]", [1.0, -2.0]),
    ];
    for (descr, data, ty, expected) in cases {
        let set = open_npy(npy(descr, "False", "(2,)", data), &[]).unwrap();
        assert_eq!(set.field_type("", "x").unwrap().to_string(), *ty);
        assert_eq!(values(&set, "", "x"), expected);
    }
    let set = open_npy(npy("|u1", "True", "(2, 2)", &[1, 2, 3, 4]), &[]).unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 3.0, 2.0, 4.0]);
}

#[test]
fn malformed_npy_files_are_errors() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            npy("<f4", "False", "(3,)", &[0; 8]),
            "a.npy: cut off: 8 bytes, where the sizes [3] need 12",
        ),
        (
            npy("<f4", "False", "(1,)", &[0; 8]),
            "a.npy: 4 bytes follow the array",
        ),
        (
            npy("<f4", "False", "(10000000000000,)", &[0; 8]),
            "a.npy: cut off: 8 bytes, where the sizes [10000000000000] need 40000000000000",
        ),
        (
            npy("<f4", "False", "(4294967296, 4294967296)", &[]),
            "a.npy: the sizes [4294967296, 4294967296] are too large for any file",
        ),
        (
            npy("<i8", "False", "(1,)", &(1i64 << 40).to_le_bytes()),
            "a.npy: element 0 is 1099511627776, which i32 cannot hold",
        ),
        (
            npy("<c8", "False", "(1,)", &[0; 8]),
            "a.npy: elements of type `<c8` are not supported",
        ),
        (
            npy("<f4", "False", "()", &[0; 4]),
            "a.npy: `x` is a single number",
        ),
        (
            npy("<f4", "False", "(0, 3)", &[]),
            "a.npy: the data set is empty: its first dimension is 0",
        ),
        (
            b"\x93NUMPY\x01\x00\xff".to_vec(),
            "a.npy: cut off in the header",
        ),
        (
            b"hello".to_vec(),
            "a.npy: wrong magic number: this is not a .npy file",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(message(open_npy(bytes, &[])), expected);
    }
    assert!(
        message(open_npy(npy("<f4", "False", "(-3,)", &[]), &[]))
            .starts_with("a.npy: the header has no sound `shape`")
    );
}

/// A ZIP archive of stored entries.
fn zip(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(common);
        out.extend(name.as_bytes());
        out.extend(data);
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

#[test]
fn npz_fields_have_their_names() {
    let x = npy("|u1", "False", "(2, 3)", &[1, 2, 3, 4, 5, 6]);
    let archive = zip(&[
        ("y.npy", npy("|i1", "False", "(2,)", &[0, 1])),
        ("x.npy", x.clone()),
    ]);
    let folder = Folder::new().with("a.npz", &archive);
    let set = open(&folder, reader("npz", &["a.npz"], &[]), &[]).unwrap();
    assert_eq!(set.field_type("", "x").unwrap().to_string(), "u8[2, 3]");
    assert_eq!(set.field_type("", "y").unwrap().to_string(), "i32[2]");
    let set = open(
        &folder,
        reader("npz", &["a.npz"], &[("test", string("a.npz"))]),
        &[],
    )
    .unwrap();
    assert_eq!(set.part("train"), set.part("test"));
    let loaded = safetensors::load(folder.0.join("a.npz")).unwrap();
    assert_eq!(loaded[0].0, "x");
    let uneven = zip(&[("y.npy", npy("|i1", "False", "(1,)", &[0])), ("x.npy", x)]);
    let folder = folder
        .with("b.npz", uneven)
        .with("c.npz", &archive[..archive.len() - 9]);
    assert_eq!(
        message(open(&folder, reader("npz", &["b.npz"], &[]), &[])),
        "b.npz: `x` has 2 rows and `y` has 1"
    );
    assert!(
        message(open(&folder, reader("npz", &["c.npz"], &[]), &[]))
            .starts_with("c.npz: this is not a sound .npz file")
    );
}

fn text(
    characters: &str,
    options: &[(&str, DataOption)],
    transforms: &[Transform],
) -> Result<Arc<DataSet>, DataError> {
    open(
        &Folder::new().with("a.txt", characters),
        reader("text", &["a.txt"], options),
        transforms,
    )
}

#[test]
fn a_text_becomes_tokens_and_windows() {
    let set = text("banana", &[], &[]).unwrap();
    assert_eq!(
        field(&set, "", "tokens").as_i32().unwrap(),
        [1, 0, 2, 0, 2, 0]
    );
    assert_eq!(set.vocabulary, ['a', 'b', 'n']);
    assert_eq!(set.summary, "a.txt: 6 characters, vocabulary of 3");
    let set = text("banana", &[], &[step("windows", &[number(2.0)], &[])]).unwrap();
    assert_eq!(
        set.field_type("", "tokens").unwrap().to_string(),
        "i32[2, 2]"
    );
    assert_eq!(values(&set, "", "tokens"), [1.0, 0.0, 2.0, 0.0]);
    assert_eq!(values(&set, "", "next"), [0.0, 2.0, 0.0, 2.0]);
    let set = text(
        "banana",
        &[],
        &[step("windows", &[number(2.0)], &[("stride", number(1.0))])],
    )
    .unwrap();
    assert_eq!(set.part("").unwrap().rows(), 4);
    assert_eq!(
        message(text("", &[], &[])),
        "a.txt: the data set is empty: the file holds no character"
    );
    let error = message(text("abc", &[], &[step("windows", &[number(3.0)], &[])]));
    assert_eq!(
        error,
        "a.txt: the 3 rows are too few for a window of 3 and the 1 after it"
    );
}

#[test]
fn the_split_of_a_text_is_contiguous_and_its_vocabulary_from_the_training_part() {
    let cut = step("split", &[], &[("train", number(0.75))]);
    let set = text("aabb\nabab", &[], &[cut.clone()]).unwrap();
    assert_eq!(values(&set, "test", "tokens"), [1.0, 2.0]);
    let (error, help) = failure(text("aabb\nabz", &[], &[cut.clone()]));
    assert_eq!(
        error,
        "a.txt, line 2: the character 'z' is in part `test` but not in the training part"
    );
    assert_eq!(
        help,
        "write text(..., unknown = \"?\") to read such characters as `?`"
    );
    let set = text("aabb\nabz", &[("unknown", string("?"))], &[cut.clone()]).unwrap();
    assert_eq!(set.vocabulary, ['\n', '?', 'a', 'b']);
    assert_eq!(values(&set, "test", "tokens"), [3.0, 1.0]);
    // Windows keep the order too, whichever side of the split they are on.
    let windows = step("windows", &[number(1.0)], &[]);
    let set = text("abababab", &[], &[windows.clone(), cut.clone()]).unwrap();
    assert_eq!(values(&set, "train", "tokens"), [0.0, 1.0, 0.0, 1.0, 0.0]);
    let set = text("abababab", &[], &[cut, windows]).unwrap();
    assert_eq!(set.part("test").unwrap().rows(), 1);
}

#[test]
fn a_series_becomes_windows() {
    let rows: String = (0..6).map(|row| format!("{row},{}\n", 10 * row)).collect();
    let table = format!("a,b\n{rows}");
    let set = csv(
        &table,
        &[step(
            "windows",
            &[number(2.0)],
            &[("horizon", number(2.0)), ("stride", number(2.0))],
        )],
    )
    .unwrap();
    assert_eq!(set.field_type("", "x").unwrap().to_string(), "f32[2, 2, 2]");
    assert_eq!(set.field_type("", "y").unwrap().to_string(), "f32[2, 2, 2]");
    assert_eq!(values(&set, "", "x")[4..], [2.0, 20.0, 3.0, 30.0]);
    assert_eq!(values(&set, "", "y")[..4], [2.0, 20.0, 3.0, 30.0]);
    let set = csv(
        &table,
        &[
            step("target", &[string("b")], &[]),
            step("windows", &[number(3.0)], &[]),
        ],
    )
    .unwrap();
    assert_eq!(set.field_type("", "x").unwrap().to_string(), "f32[3, 3, 1]");
    assert_eq!(set.field_type("", "y").unwrap().to_string(), "f32[3, 1]");
    assert_eq!(values(&set, "", "y"), [30.0, 40.0, 50.0]);
    let error = message(csv(
        &table,
        &[
            step("shuffle", &[], &[]),
            step("windows", &[number(3.0)], &[]),
        ],
    ));
    assert_eq!(error, "a.csv: `windows` of rows that are shuffled");
}

#[test]
fn statistics_before_windows_and_split_come_from_the_rows_of_training_windows() {
    let rows: String = (0..10).map(|row| format!("{row}\n")).collect();
    let pipe = [
        step("standardize", &[], &[]),
        step("windows", &[number(1.0)], &[("stride", number(1.0))]),
        step(
            "split",
            &[],
            &[("train", number(6.0)), ("test", number(3.0))],
        ),
    ];
    let set = csv(&format!("a\n{rows}"), &pipe).unwrap();
    // Six windows of one row and the row after it: rows 0 to 6, mean 3, deviation 2.
    assert_eq!(
        values(&set, "train", "x"),
        [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0]
    );
    assert_eq!(values(&set, "test", "y"), [2.0, 2.5, 3.0]);
}

const LONG: &str =
    "series,label,t,u,v\n7,2,1,3,4\n7,2,0,1,2\n8,1,0,5,6\n9,2,0,7,8\n9,2,1,9,10\n9,2,2,11,12\n";

#[test]
fn sequences_are_padded() {
    let by = [("by", string("series")), ("target", string("label"))];
    let set = csv(LONG, &[step("sequences", &[], &by)]).unwrap();
    assert_eq!(set.field_type("", "x").unwrap().to_string(), "f32[3, 3, 2]");
    assert_eq!(values(&set, "", "x")[..6], [1.0, 2.0, 3.0, 4.0, 0.0, 0.0]);
    assert_eq!(field(&set, "", "y").as_i32().unwrap(), [1, 0, 1]);
    assert_eq!(field(&set, "", "lengths").as_i32().unwrap(), [2, 1, 3]);
    assert_eq!(set.classes[0].1, ["1", "2"]);
    assert_eq!(
        set.summary,
        "a.csv: 3 series of up to 3 steps, 2 columns, 2 classes"
    );
    let after = csv(
        LONG,
        &[step("sequences", &[], &by), step("standardize", &[], &[])],
    )
    .unwrap();
    let before = csv(
        LONG,
        &[step("standardize", &[], &[]), step("sequences", &[], &by)],
    )
    .unwrap();
    let (after, before) = (values(&after, "", "x"), values(&before, "", "x"));
    assert!(
        after.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-6),
        "{after:?} {before:?}"
    );
    assert_eq!(after[4..6], [0.0, 0.0]);
    let cut = step("split", &[number(0.5)], &[]);
    let error = message(csv(LONG, &[cut, step("sequences", &[], &by)]));
    assert_eq!(
        error,
        "a.csv: `split` before `sequences` would cut sequences in two"
    );
    let uneven = "series,label,u\n1,1,1\n1,2,1\n";
    let error = message(csv(uneven, &[step("sequences", &[], &by)]));
    assert_eq!(
        error,
        "a.csv, row 2, column \"label\": 2, where its sequence has 1"
    );
}

#[test]
fn a_test_file_gives_parts_and_its_errors_name_it() {
    let folder = Folder::new()
        .with("a.csv", FLOWERS)
        .with("b.csv", "length,width,species\n9,x,a\n")
        .with("c.csv", "length,species\n9,a\n")
        .with("d.csv", "length,width,species\n9,8,a\n");
    let read = |test: &str, pipe: &[Transform]| {
        open(
            &folder,
            reader("csv", &["a.csv"], &[("test", string(test))]),
            pipe,
        )
    };
    let target = step("target", &[string("species")], &[]);
    let set = read("d.csv", &[target.clone(), step("standardize", &[], &[])]).unwrap();
    assert_eq!(
        set.summary,
        "a.csv: 4 rows, 2 columns, 2 classes (train 3, test 1)"
    );
    // Mean 3, deviation sqrt(8/3).
    assert!((values(&set, "test", "x")[0] - 6.0 / (8.0f64 / 3.0).sqrt()).abs() < 1e-6);
    assert_eq!(
        message(read("b.csv", &[target.clone()])),
        "b.csv, row 1, column \"width\": \"x\" is not a number"
    );
    assert_eq!(
        message(read("c.csv", &[target])),
        "c.csv and a.csv have different columns, from column 2 on"
    );
}

#[test]
fn safetensors_come_back_as_they_were() {
    let folder = Folder::new();
    let path = folder.0.join("w.safetensors");
    let tensors = vec![
        (
            "a".to_string(),
            Tensor::new(
                [2, 2],
                Elements::F32(vec![1.0, -0.0, f32::MIN_POSITIVE / 2.0, f32::INFINITY]),
            )
            .unwrap(),
        ),
        (
            "b.c".to_string(),
            Tensor::new([1], Elements::F64(vec![0.1])).unwrap(),
        ),
        (
            "d".to_string(),
            Tensor::new([0, 3], Elements::I32(vec![])).unwrap(),
        ),
        (
            "e".to_string(),
            Tensor::new([], Elements::Bool(vec![1])).unwrap(),
        ),
        (
            "f".to_string(),
            Tensor::new([2], Elements::U8(vec![0, 255])).unwrap(),
        ),
    ];
    let strings = vec![
        ("k\"\n".to_string(), "välue \\".to_string()),
        ("a".to_string(), "1".to_string()),
    ];
    safetensors::save(&path, &tensors, &strings).unwrap();
    let (loaded, metadata) = safetensors::load_with_metadata(&path).unwrap();
    assert_eq!(loaded, tensors);
    assert_eq!(metadata, [strings[1].clone(), strings[0].clone()]);
    let first = std::fs::read(&path).unwrap();
    safetensors::save(&path, &tensors, &strings).unwrap();
    assert_eq!(first, std::fs::read(&path).unwrap());
    safetensors::save(&path, &[], &[]).unwrap();
    assert_eq!(safetensors::load(&path).unwrap(), []);
    assert_eq!(
        std::fs::read_dir(&folder.0).unwrap().count(),
        1,
        "no temporary file is left"
    );
}

#[test]
fn unsound_weight_files_are_errors() {
    let folder = Folder::new().with("w", b"12345678901234567890");
    let error = safetensors::load(folder.0.join("w")).unwrap_err();
    assert!(
        error
            .message
            .contains("this is not a sound safetensors file"),
        "{}",
        error.message
    );
    assert!(
        safetensors::load(folder.0.join("none"))
            .unwrap_err()
            .missing
    );
    let error = safetensors::save(folder.0.join("no/w"), &[], &[]).unwrap_err();
    assert!(error.missing && error.message.contains("cannot be written"));
    let twice = [
        ("a".to_string(), Tensor::scalar(1.0)),
        ("a".to_string(), Tensor::scalar(2.0)),
    ];
    assert!(
        safetensors::save(folder.0.join("t"), &twice, &[])
            .unwrap_err()
            .message
            .contains("used twice")
    );
}

#[test]
fn half_floats_of_weight_files_become_f32() {
    let header = r#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0x00, 0x3e, 0xc0, 0x3f]);
    let folder = Folder::new().with("w", bytes);
    let loaded = safetensors::load(folder.0.join("w")).unwrap();
    assert_eq!(
        (loaded[0].1.as_f32().unwrap(), loaded[1].1.as_f32().unwrap()),
        (&[1.5f32][..], &[1.5f32][..])
    );
}

#[test]
fn the_shipped_data_sets_can_be_read() {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let read = |source: DataSource, pipe: Vec<Transform>| {
        FileProvider::new()
            .open(&DataSpec {
                source,
                transforms: pipe,
                base_dir: base.to_string(),
            })
            .unwrap()
    };
    let species = step("target", &[string("species")], &[]);
    let cut = step(
        "split",
        &[],
        &[("train", number(0.8)), ("seed", number(1.0))],
    );
    let iris = read(
        reader("csv", &["iris.csv"], &[]),
        vec![species, step("standardize", &[], &[]), cut],
    );
    assert_eq!(
        iris.summary,
        "iris.csv: 150 rows, 4 columns, 3 classes (train 120, test 30)"
    );
    let wine = read(
        reader("csv", &["wine.csv"], &[]),
        vec![step("target", &[string("cultivar")], &[])],
    );
    assert_eq!(wine.summary, "wine.csv: 178 rows, 13 columns, 3 classes");
    let cancer = read(
        reader("csv", &["breast_cancer.csv"], &[]),
        vec![step("target", &[string("diagnosis")], &[])],
    );
    assert_eq!(cancer.classes[0].1, ["benign", "malignant"]);
    assert_eq!(
        cancer.summary,
        "breast_cancer.csv: 569 rows, 30 columns, 2 classes"
    );
    let classes = [("classes", DataOption::Flag(true))];
    let digits = read(
        reader("csv", &["digits.csv"], &[]),
        vec![step("target", &[string("digit")], &classes)],
    );
    assert_eq!(
        digits.summary,
        "digits.csv: 1797 rows, 64 columns, 10 classes"
    );
    let test = [("test", string("japanese_vowels_test.csv"))];
    let by = [("by", string("series")), ("target", string("label"))];
    let vowels = read(
        reader("csv", &["japanese_vowels_train.csv"], &test),
        vec![step("sequences", &[], &by)],
    );
    assert_eq!(
        vowels.field_type("train", "x").unwrap().to_string(),
        "f32[270, 29, 12]"
    );
    assert_eq!(
        vowels.field_type("test", "lengths").unwrap().to_string(),
        "i32[370]"
    );
    let files = ["train-images", "train-labels", "test-images", "test-labels"]
        .map(|name| format!("mnist/{name}.idx.gz"));
    let mnist = read(
        reader("idx", &files.each_ref().map(String::as_str), &[]),
        vec![],
    );
    assert_eq!(
        mnist.field_type("train", "x").unwrap().to_string(),
        "f32[4000, 1, 28, 28]"
    );
    let mut counts = [0; 10];
    field(&mnist, "test", "y")
        .as_i32()
        .unwrap()
        .iter()
        .for_each(|&label| counts[label as usize] += 1);
    assert_eq!(counts, [100; 10]);
}

/// Every reader on these bytes; an error is welcome, a panic is not.
fn read_all(bytes: &[u8]) {
    let folder = Folder::new().with("a", bytes);
    let window = [
        step("standardize", &[], &[]),
        step("windows", &[number(2.0)], &[]),
        step("split", &[number(0.5)], &[]),
    ];
    for (name, paths) in [
        ("csv", &["a"][..]),
        ("npy", &["a"]),
        ("npz", &["a"]),
        ("idx", &["a", "a"]),
        ("idx", &["a"]),
        ("text", &["a"]),
    ] {
        let _ = open(&folder, reader(name, paths, &[]), &[]);
        let _ = open(
            &folder,
            reader(name, paths, &[("test", string("a"))]),
            &window,
        );
    }
    let sequences = step(
        "sequences",
        &[],
        &[("by", string("a")), ("target", string("b"))],
    );
    let _ = open(
        &folder,
        reader("csv", &["a"], &[]),
        &[sequences, step("one_hot", &[], &[])],
    );
    let _ = safetensors::load(folder.0.join("a"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_sound_start_never_panic(start in 0usize..7, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let starts: [&[u8]; 7] = [
            &[0x1f, 0x8b, 8, 0],
            &[0, 0, 8, 3, 0, 0, 0, 1],
            &[0, 0, 8, 1, 0, 0, 0],
            b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (",
            b"PK\x03\x04\x14\x00",
            b"a,b\n",
            &[40, 0, 0, 0, 0, 0, 0, 0, b'{', b'"'],
        ];
        read_all(&[starts[start], &bytes].concat());
    }

    #[test]
    fn tables_of_few_characters_never_panic(text in "(a|b|t|,|1|2|\n|\"|;|\\.|-|NA){0,60}") {
        read_all(format!("a,b,t\n{text}").as_bytes());
        read_all(text.as_bytes());
    }

    #[test]
    fn changed_bytes_of_sound_files_never_panic(at in 0usize..400, value in any::<u8>(), which in 0usize..3) {
        let mut bytes = match which {
            0 => idx_images(3),
            1 => npy("<i2", "True", "(2, 2)", &[1, 0, 2, 0, 3, 0, 4, 0]),
            _ => zip(&[("x.npy", npy("<f4", "False", "(1,)", &[0; 4]))]),
        };
        let length = bytes.len();
        bytes[at % length] = value;
        read_all(&bytes);
    }
}
