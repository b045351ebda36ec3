//! CSV files and the statistics of their columns.
use super::*;

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
fn a_column_of_true_and_false_is_one_of_1_and_0() {
    let text = "a,b,y\nTrue,x,TRUE\nfalse,True,FALSE\nNA,False,true\n";
    let pipe = [
        step("one_hot", &[string("b")], &[]),
        step("target", &[string("y")], &[]),
        step("drop_missing", &[], &[]),
    ];
    let set = csv(text, &pipe).unwrap();
    // What holds another word too is text.
    assert_eq!(
        values(&set, "", "x"),
        [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    );
    assert_eq!(field(&set, "", "y").as_f32().unwrap(), [1.0, 0.0]);
    // A column is one of booleans in all files or in none.
    let folder = Folder::new()
        .with("1.csv", "a,y\nTrue,1\n")
        .with("2.csv", "a,y\nFalse,2\nperhaps,3\n");
    let both = open(&folder, reader("csv", &["*.csv"], &[]), &[]);
    assert_eq!(
        message(both),
        "1.csv: column \"a\" holds text, which cannot be part of `x`"
    );
    // Further rows are read as those of the program.
    let spec = DataSpec {
        source: reader("csv", &["1.csv"], &[]),
        transforms: vec![step("target", &[string("y")], &[])],
        base_dir: folder.text(),
    };
    let text = input::Input::Text {
        name: "-".into(),
        text: "a\ntrue\nFalse\n".into(),
    };
    let rows = FileProvider::new().prepared(Some(&spec), &text).unwrap();
    assert_eq!(rows.to_f64(), [1.0, 0.0]);
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
            "a.csv, row 2: 1 cell, where the header has 2",
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
fn tabs_stand_in_a_tsv_file_and_decimal_commas_are_told() {
    // The first line has a comma too.
    let folder = Folder::new().with("a.tsv", "a, in m\tb\n1\t2\n3\t4\n");
    let set = open(&folder, reader("csv", &["a.tsv"], &[]), &[]).unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 2.0, 3.0, 4.0]);
    let (error, help) = failure(csv("a;b\n1,5;2\n-2,25;3\n", &[]));
    assert_eq!(
        error,
        "a.csv: column \"a\" holds text, which cannot be part of `x`"
    );
    assert!(
        help.starts_with("its numbers have a decimal comma"),
        "{help}"
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
    assert_eq!(error, "`csv` is given 0 paths and takes at least 1");
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
fn labels_of_rows_are_left_out() {
    for (text, wanted) in [
        (",a,b\n0,1,2\n1,3,4\n", vec![1.0, 2.0, 3.0, 4.0]),
        ("\"\";\"a\"\n\"r1\";1\n\"r2\";2\n", vec![1.0, 2.0]),
        // One column without a name is all there is.
        ("a\n1\n", vec![1.0]),
    ] {
        let set = csv(text, &[]).unwrap();
        assert_eq!(values(&set, "", "x"), wanted, "{text:?}");
    }
    let error = message(csv(",a,a\n0,1,2\n", &[]));
    assert_eq!(
        error,
        "a.csv, header: columns 2 and 3 are both called \"a\""
    );
    let error = message(csv(",a,\n0,1,2\n", &[]));
    assert_eq!(error, "a.csv, header: column 3 has no name");
    let error = message(csv(",a,b\n0,1,2\n1,3\n", &[]));
    assert_eq!(error, "a.csv, row 2: 2 cells, where the header has 3");
    // Tables with labels and without go together, and so do the rows of a prediction.
    let folder = Folder::new()
        .with("1.csv", ",a,y\n0,1,2\n")
        .with("2.csv", "y,a\n4,3\n");
    let source = reader("csv", &["*.csv"], &[]);
    let target = step("target", &[string("y")], &[]);
    let spec = DataSpec {
        source,
        transforms: vec![target],
        base_dir: folder.text(),
    };
    let mut provider = FileProvider::new();
    assert_eq!(values(&provider.open(&spec).unwrap(), "", "x"), [1.0, 3.0]);
    let rows = input::Input::Text {
        name: "-".into(),
        text: ",a\n7,5\n".into(),
    };
    let rows = provider.prepared(Some(&spec), &rows).unwrap();
    assert_eq!(rows.to_f64(), [5.0]);
}

#[test]
fn a_quote_that_does_not_close_is_told_with_its_line() {
    for (text, line) in [
        ("a,b\n1,x\n2,\"y\n3,z\n", 3),
        ("a,b\n1,x\n\"2,y\n3,z\n", 3),
        ("a,b\n1,\"x\"\"\n", 2),
        ("a,b\n1,\"x\ny\"\n\"2,\"\"", 4),
        ("a,\"b\n1,2\n", 1),
    ] {
        assert_eq!(
            message(csv(text, &[])),
            format!("a.csv, line {line}: a quote that opens a cell does not close"),
            "{text:?}"
        );
    }
    // A later quote closes it: the count of cells is wrong, and what may be the reason is said.
    let (error, help) = failure(csv("a,b\n1,\"x\n2,\"y,z\"\n3,z\n", &[]));
    assert_eq!(error, "a.csv, row 1: 3 cells, where the header has 2");
    assert!(help.contains("a quote may be missing"), "{help}");
    // Quotes within a cell are its own, as are line ends within quotes.
    let target = step("target", &[string("b")], &[]);
    let set = csv("a,b\n1,5\" pipe\n2,\"x\ny\"\n3,\"6\"\" pipe\"", &[target]);
    assert_eq!(set.unwrap().part("").unwrap().rows(), 3);
}

#[test]
fn missing_texts_become_the_most_frequent_of_the_training_part() {
    let text = "a,kind,y\n1,oak,1\n,ash,2\n3,,3\n4,ash,4\n5,oak,5\n";
    let pipe = |fill: Transform| {
        let one_hot = step("one_hot", &[string("kind")], &[]);
        csv(text, &[step("target", &[string("y")], &[]), fill, one_hot])
    };
    // Oaks and ashes are equally many: the first by name fills.
    let set = pipe(step("fill_missing", &[], &[])).unwrap();
    assert_eq!(
        values(&set, "", "x"),
        [
            1.0, 0.0, 1.0, 3.25, 1.0, 0.0, 3.0, 1.0, 0.0, 4.0, 1.0, 0.0, 5.0, 0.0, 1.0
        ]
    );
    // The training part is what counts: most of its rows are oaks.
    let folder = Folder::new()
        .with("a.csv", "kind\noak\noak\nash\n")
        .with("b.csv", "kind\nash\n \nash\n");
    let source = reader("csv", &["a.csv"], &[("test", string("b.csv"))]);
    let only = step("fill_missing", &[], &[("column", string("kind"))]);
    let set = open(
        &folder,
        source,
        &[only, step("one_hot", &[string("kind")], &[])],
    );
    let set = set.unwrap();
    assert_eq!(
        values(&set, "test", "x"),
        [1.0, 0.0, 0.0, 1.0, 1.0, 0.0],
        "ash, oak, ash"
    );
    // A number is no text, so what is missing stays so.
    for fill in [
        step("fill_missing", &[number(0.0)], &[]),
        step("drop", &[string("a")], &[]),
    ] {
        assert_eq!(
            failure(pipe(fill)),
            (
                "a.csv, row 3, column \"kind\": the value is missing".to_string(),
                "add fill_missing or drop_missing before `one_hot`".to_string()
            )
        );
    }
    // A target is not made up.
    let target = step("target", &[string("kind")], &[]);
    let error = message(csv(text, &[target, step("fill_missing", &[], &[])]));
    assert_eq!(error, "a.csv, row 3, column \"kind\": the class is missing");
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
        message(read("b.csv", std::slice::from_ref(&target))),
        "b.csv, row 1, column \"width\": \"x\" is not a number"
    );
    assert_eq!(
        message(read("c.csv", &[target])),
        "a.csv and c.csv have different columns: the first has \"width\", the second has not"
    );
}
