//! Rows, parts, windows, sequences and fields.
use super::*;

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

#[test]
fn parts_in_order_are_cut_and_not_copied() {
    let shares = [
        ("train", number(0.8)),
        ("valid", number(0.1)),
        ("shuffle", DataOption::Flag(false)),
    ];
    let set = open(&Folder::new(), counted(100), &[step("split", &[], &shares)]).unwrap();
    for (part, rows) in [("train", 0..80), ("valid", 80..90), ("test", 90..100)] {
        let wanted: Vec<f64> = rows.map(f64::from).collect();
        assert_eq!(values(&set, part, "x"), wanted);
        assert_eq!(
            set.part(part).unwrap().field("x").unwrap().shape()[0],
            wanted.len()
        );
    }
}
