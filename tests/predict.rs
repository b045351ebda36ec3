//! `dlmc predict`: its numbers are those of the program, from every kind of input, in every form of output; what cannot be predicted is
//! said with its place.
#![cfg(feature = "cli")]

mod support;

use std::io::Write;
use std::process::Stdio;
use support::{Folder, ended};

/// Predictions are sums of the standardized columns.
const LINEAR: &str = r#"
let set = csv("rows.csv") |> target("y") |> standardize
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = ones
    x @ theta
}
let net = linear()
print net(set.x)
save net to "net.safetensors"
save net to "net.safetensors"
"#;

const ROWS: &str = "a,b,y\n1,10,0\n2,30,1\n6,20,0\n";

/// Three classes, with layers that differ between training and use, and statistics of a part of the rows.
const CLASSES: &str = r#"
let set = csv("points.csv") |> target("class") |> standardize |> split(train = 0.5, seed = 3)
layer model(x: [n, d]) -> [n, 3] {
    x |> dense(8) |> batch_norm |> relu |> dropout(0.4) |> dense(3)
}
let net = model()
train net on set.train {
    loss      = cross_entropy
    optimizer = adam(lr = 0.05)
    epochs    = 6
    batch     = 6
    seed      = 1
}
let p = softmax(net(set.test.x))
for i in 0..30 {
    print "{p[i, 0]:.6},{p[i, 1]:.6},{p[i, 2]:.6}"
}
save net to "net.safetensors"
"#;

fn points() -> String {
    let mut numbers = support::Numbers(11);
    let mut text = String::from("a,b,class\n");
    for at in 0..60 {
        let class = at % 3;
        let (a, b) = (numbers.next() + f64::from(class), numbers.next() * 5.0);
        text += &format!(
            "{a:.4},{b:.4},{}\n",
            ["ash", "oak", "\"elm, wych\""][at as usize % 3]
        );
    }
    text
}

/// A folder with a program that has run, and what it printed.
fn run(name: &str, program: &str, file: &str, rows: &str) -> (Folder, String) {
    let folder = Folder::new(name);
    folder.write("model.dlm", program);
    folder.write(file, rows);
    let (out, err) = folder.run(0, &["run", "model.dlm"]);
    assert_eq!(err, "");
    (folder, out)
}

fn linear(name: &str) -> Folder {
    run(name, LINEAR, "rows.csv", ROWS).0
}

const PREDICT: [&str; 5] = [
    "predict",
    "model.dlm",
    "--weights",
    "net.safetensors",
    "--input",
];

fn predict(folder: &Folder, code: i32, more: &[&str]) -> (String, String) {
    folder.run(code, &[&PREDICT, more].concat())
}

/// Predicts rows that come from standard input.
fn piped(folder: &Folder, code: i32, more: &[&str], input: &[u8]) -> (String, String) {
    let arguments = [&PREDICT[..], &["-"], more].concat();
    let mut command = folder.command(&arguments);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    // A command that does not read its input closes it, which is no fault.
    let _ = child.stdin.take().expect("piped").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    ended(code, &arguments, &output)
}

/// The numbers of the last column of a table.
fn last_column(table: &str) -> Vec<f64> {
    let cells = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().last());
    cells.map(|cell| cell.parse().expect("a number")).collect()
}

fn close(found: &[f64], wanted: &[f64]) {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 2e-4 * b.abs().max(1.0);
    assert!(
        found.len() == wanted.len() && found.iter().zip(wanted).all(near),
        "{found:?} is not {wanted:?}"
    );
}

/// An array as NumPy's format 1.0 has it.
fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header += &" ".repeat(length - header.len() - 1);
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((length as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(bytes);
    out
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The sum of the columns, each less its mean and by its deviation, as `ROWS` has them.
fn sum_of_standardized(a: f64, b: f64) -> f64 {
    let scaled = |x: f64, column: [f64; 3]| {
        let mean = column.iter().sum::<f64>() / 3.0;
        let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0;
        (x - mean) / variance.sqrt()
    };
    scaled(a, [1.0, 2.0, 6.0]) + scaled(b, [10.0, 30.0, 20.0])
}

#[test]
fn rows_are_prepared_as_the_program_prepares_its_own() {
    let (folder, printed) = run("predict-rows", LINEAR, "rows.csv", ROWS);
    let wanted = [(1.0, 10.0), (2.0, 30.0), (6.0, 20.0)].map(|(a, b)| sum_of_standardized(a, b));
    let (out, err) = predict(&folder, 0, &["rows.csv"]);
    assert_eq!(err, "");
    assert!(out.starts_with("row        y\n  1  "), "{out}");
    close(&last_column(&out), &wanted);
    let printed = printed.trim().trim_matches(['[', ']']).split(',');
    let printed: Vec<f64> = printed
        .map(|x| x.trim().parse().expect("a number"))
        .collect();
    close(&printed, &wanted);
    // The order of the columns is the file's, and columns that are not learned from may be missing or more.
    let (out, _) = piped(&folder, 0, &[], b"note,b,a\nx,0,-4\ny,50,2.5\n");
    let wanted = [(-4.0, 0.0), (2.5, 50.0)].map(|(a, b)| sum_of_standardized(a, b));
    close(&last_column(&out), &wanted);
    // Weights as NumPy has them, and the one instance by its name.
    let arguments = [
        "predict",
        "model.dlm",
        "--weights",
        "net.safetensors",
        "--input",
        "rows.csv",
    ];
    let (other, _) = folder.run(0, &[&arguments[..], &["--model", "net"]].concat());
    assert_eq!(other, predict(&folder, 0, &["rows.csv"]).0);
}

#[test]
fn arrays_are_rows_too() {
    let folder = linear("predict-arrays");
    let wanted = [(1.0, 10.0), (3.0, 0.5)].map(|(a, b)| sum_of_standardized(a, b));
    let array = npy("<f4", "(2, 2)", &floats(&[1.0, 10.0, 3.0, 0.5]));
    std::fs::write(folder.at("rows.npy"), array).expect("written");
    let (out, _) = predict(&folder, 0, &["rows.npy"]);
    close(&last_column(&out), &wanted);
    let (out, _) = predict(&folder, 0, &["rows.npy", "--raw"]);
    close(&last_column(&out), &[11.0, 3.5]);
    // IDX: an image of 1 by 2, whose bytes are read as numbers from 0 to 1.
    let idx = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 200, 7];
    std::fs::write(folder.at("rows.idx"), idx).expect("written");
    let (out, _) = predict(&folder, 0, &["rows.idx"]);
    close(
        &last_column(&out),
        &[sum_of_standardized(200.0 / 255.0, 7.0 / 255.0)],
    );
}

#[test]
fn many_rows_are_done_in_parts() {
    let folder = linear("predict-many");
    let mut text = String::from("a,b\n");
    let mut wanted = Vec::new();
    for at in 0..1300 {
        let (a, b) = (f64::from(at % 37), f64::from(at) / 8.0);
        text += &format!("{a},{b}\n");
        wanted.push(sum_of_standardized(a, b));
    }
    folder.write("many.csv", &text);
    let (out, _) = predict(&folder, 0, &["many.csv", "--threads", "2"]);
    close(&last_column(&out), &wanted);
}

#[test]
fn classes_have_their_names_and_the_probabilities_of_the_program() {
    let (folder, printed) = run("predict-classes", CLASSES, "points.csv", &points());
    let (_, err) = predict(&folder, 0, &["points.csv", "--output", "out.csv"]);
    assert_eq!(err, "out.csv: 60 predictions\n");
    let text = std::fs::read_to_string(folder.at("out.csv")).expect("written");
    assert!(
        text.starts_with("class,p(ash),\"p(elm, wych)\",p(oak)\n"),
        "{text}"
    );
    let probabilities = |line: &str| -> Vec<f64> {
        let cells: Vec<&str> = line.rsplit(',').take(3).collect();
        let cells = cells.iter().rev();
        cells.map(|x| x.parse().expect("a number")).collect()
    };
    let found: Vec<Vec<f64>> = text.lines().skip(1).map(probabilities).collect();
    assert_eq!(found.len(), 60);
    assert!(
        found
            .iter()
            .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-5)
    );
    // The program's test part is half of the rows, in an order of its own.
    let of_program: Vec<Vec<f64>> = printed.lines().map(probabilities).collect();
    assert_eq!(of_program.len(), 30, "{printed}");
    for row in &of_program {
        let same = |other: &&Vec<f64>| row.iter().zip(*other).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(found.iter().any(|other| same(&other)), "{row:?}");
    }
    // The class is the one of the largest probability, in the table too.
    let (table, _) = predict(&folder, 0, &["points.csv"]);
    assert!(
        table.starts_with("row  class      probability\n"),
        "{table}"
    );
    let names = ["ash", "elm, wych", "oak"];
    for (line, row) in table.lines().skip(1).zip(&found) {
        let best = (0..3)
            .max_by(|&a, &b| row[a].total_cmp(&row[b]))
            .expect("three");
        assert!(line.contains(names[best]), "{line}: {row:?}");
        assert!(
            line.ends_with(&format!("{:.4}", row[best])),
            "{line}: {row:?}"
        );
    }
}

#[test]
fn files_are_csv_json_and_npy() {
    let (folder, _) = run("predict-files", CLASSES, "points.csv", &points());
    let input = b"a,b\n0.5,2\n2.5,1\n";
    let (out, _) = piped(&folder, 0, &["--output", "out.json"], input);
    assert_eq!(out, "");
    let bytes = std::fs::read(folder.at("out.json")).expect("written");
    let json: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    let rows = json.as_array().expect("a list");
    assert_eq!(rows.len(), 2);
    for row in rows {
        let class = row["class"].as_str().expect("a name");
        let of_class = row["probabilities"][class].as_f64().expect("a number");
        assert_eq!(row["probability"].as_f64(), Some(of_class));
        let all = row["probabilities"].as_object().expect("by name");
        let sum: f64 = all.values().filter_map(|p| p.as_f64()).sum();
        assert!(all.len() == 3 && (sum - 1.0).abs() < 1e-5, "{row}");
    }
    piped(&folder, 0, &["--output", "out.npy"], input);
    let bytes = std::fs::read(folder.at("out.npy")).expect("written");
    let header = String::from_utf8_lossy(&bytes[..128]).into_owned();
    assert!(
        header.contains("'descr': '<f4'") && header.contains("'shape': (2, 3)"),
        "{header}"
    );
    let scores = bytes[128..].chunks_exact(4);
    let scores: Vec<f64> = scores
        .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
        .collect();
    assert_eq!(scores.len(), 6);
    // The array holds what the model gives: scores, of which the softmax is the probability.
    let e: Vec<f64> = scores[..3].iter().map(|x| x.exp()).collect();
    let most = e.iter().copied().fold(0.0, f64::max) / e.iter().sum::<f64>();
    let probability = rows[0]["probability"].as_f64().expect("a number");
    assert!((most - probability).abs() < 1e-5, "{scores:?} {}", rows[0]);
}

#[test]
fn tokens_are_looked_up_or_refused() {
    const TOKENS: &str = r#"
layer model(tokens: i32[n, t]) -> [n, t, 2] { tokens |> embedding(5, 2) }
let net = model()
print mean(net(i32(zeros[1, 3])))
save net to "net.safetensors"
"#;
    let (folder, _) = run("predict-tokens", TOKENS, "none.csv", "");
    let tokens = |values: [i32; 6]| {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(folder.at("t.npy"), npy("<i4", "(2, 3)", &bytes)).expect("written");
    };
    tokens([0, 1, 4, 4, 1, 0]);
    predict(&folder, 0, &["t.npy", "--output", "out.npy"]);
    let bytes = std::fs::read(folder.at("out.npy")).expect("written");
    assert!(String::from_utf8_lossy(&bytes[..128]).contains("'shape': (2, 3, 2)"));
    let rows: Vec<&[u8]> = bytes[128..].chunks_exact(8).collect();
    // The same token has the same two numbers wherever it stands.
    assert_eq!(rows.len(), 6);
    assert!(rows[0] == rows[5] && rows[1] == rows[4] && rows[2] == rows[3] && rows[0] != rows[1]);
    tokens([0, 1, 2, 3, 4, 5]);
    let (_, err) = predict(&folder, 1, &["t.npy"]);
    assert!(err.contains("index 5 is out of range 0..5"), "{err}");
    let halves = npy("<f4", "(1, 3)", &floats(&[0.0, 1.5, 2.0]));
    std::fs::write(folder.at("t.npy"), halves).expect("written");
    let (_, err) = predict(&folder, 1, &["t.npy"]);
    assert!(
        err.contains("tokens, and the input holds numbers that are not whole"),
        "{err}"
    );
}

#[test]
fn of_several_models_one_is_named() {
    let program = LINEAR.replace(
        "let net = linear()\nprint net(set.x)",
        "let net = linear()\nlet other = linear()\nprint net(set.x) - other(set.x)",
    );
    let (folder, _) = run("predict-several", &program, "rows.csv", ROWS);
    let (_, err) = predict(&folder, 2, &["rows.csv"]);
    assert_eq!(
        err,
        "error: the program has several models: `net`, `other`\nhelp: choose one: --model net\n"
    );
    let (out, _) = predict(&folder, 0, &["rows.csv", "--model", "net"]);
    assert_eq!(out.lines().count(), 4);
    let (_, err) = predict(&folder, 2, &["rows.csv", "--model", "othr"]);
    assert!(err.contains("help: did you mean `other`?"), "{err}");
}

#[test]
fn faults_of_rows_name_their_place_and_mend() {
    let folder = linear("predict-faults");
    for (input, place, mend) in [
        (
            &b"a,b\n1,2\n3\n"[..],
            "<stdin>, row 2: 1 cell, where the header has 2",
            "line 3",
        ),
        (
            b"a,b\n1,2\n3,\n",
            "<stdin>, row 2, column \"b\": the value is missing",
            "fill_missing",
        ),
        (
            b"a,b\n1,2\n3,x\n",
            "<stdin>, row 2, column \"b\": \"x\" is not a number",
            "",
        ),
        (
            b"other\n1\n",
            "<stdin>: there is no column \"a\"",
            "learns from a, b",
        ),
        (b"a,b\n", "<stdin>: the data set is empty", "header"),
        (b"", "<stdin>: the data set is empty", ""),
    ] {
        let (out, err) = piped(&folder, 1, &[], input);
        assert_eq!(out, "");
        assert!(err.starts_with(&format!("error: {place}")), "{err}");
        assert!(err.contains(mend), "{err}");
    }
    let (_, err) = piped(&folder, 2, &[], b"a,b\n\xff,2\n");
    assert!(
        err.contains("standard input cannot be read as text"),
        "{err}"
    );
    for (shape, values, words) in [
        (
            "(1, 3)",
            &[1.0f32, 2.0, 3.0][..],
            "3 numbers in a row, the program learns from 2\nhelp: give the columns a, b",
        ),
        ("(0, 2)", &[], "the data set is empty"),
        (
            "(1, 2)",
            &[1.0, f32::NAN],
            "row 1, column \"b\": the value is missing",
        ),
    ] {
        std::fs::write(folder.at("x.npy"), npy("<f4", shape, &floats(values))).expect("written");
        let (_, err) = predict(&folder, 1, &["x.npy"]);
        assert!(err.contains(words), "{err}");
    }
    std::fs::write(folder.at("x.npy"), npy("<f4", "(1, 3)", &floats(&[1.0; 3]))).expect("written");
    let (_, err) = predict(&folder, 1, &["x.npy", "--raw"]);
    assert!(
        err.contains("`net` does not take rows of the sizes [3]"),
        "{err}"
    );
}

#[test]
fn faults_of_files_name_them() {
    let folder = linear("predict-files-missing");
    let (_, err) = predict(&folder, 2, &["nothing.csv"]);
    assert!(
        err.starts_with("error: there is no file \"nothing.csv\""),
        "{err}"
    );
    assert!(
        err.contains("help: relative paths start from the working directory"),
        "{err}"
    );
    let (_, err) = predict(&folder, 2, &["rowz.csv"]);
    assert!(err.contains("did you mean \"rows.csv\"?"), "{err}");
    let weights = |code, file: &str| {
        let arguments = [
            "predict",
            "model.dlm",
            "--weights",
            file,
            "--input",
            "rows.csv",
        ];
        folder.run(code, &arguments).1
    };
    let err = weights(2, "none.safetensors");
    assert!(
        err.starts_with("error: the weights \"none.safetensors\" cannot be read"),
        "{err}"
    );
    assert!(
        err.contains("help: train first, with `save net to"),
        "{err}"
    );
    let err = weights(2, "https://data.invalid/net.safetensors?v=2");
    assert!(
        err.contains("is an address") && err.contains("`curl -L -o net.safetensors https"),
        "{err}"
    );
    let err = weights(1, "rows.csv");
    assert!(
        err.contains("rows.csv: this is not a sound safetensors file"),
        "{err}"
    );
    let (_, err) = folder.run(
        2,
        &[
            "predict",
            "none.dlm",
            "--weights",
            "net.safetensors",
            "--input",
            "rows.csv",
        ],
    );
    assert!(err.contains("\"none.dlm\" cannot be read"), "{err}");
    let (_, err) = folder.run(
        2,
        &[
            "predict",
            "-",
            "--weights",
            "net.safetensors",
            "--input",
            "-",
        ],
    );
    assert!(
        err.contains("cannot both come from standard input"),
        "{err}"
    );
    folder.write("wrong.dlm", "print nothing\n");
    let (_, err) = folder.run(
        1,
        &[
            "predict",
            "wrong.dlm",
            "--weights",
            "net.safetensors",
            "--input",
            "rows.csv",
        ],
    );
    assert!(
        err.contains("error[E0201]") && err.contains("wrong.dlm:1:7"),
        "{err}"
    );
    folder.write("none.dlm", "print 1\n");
    let (_, err) = folder.run(
        1,
        &[
            "predict",
            "none.dlm",
            "--weights",
            "net.safetensors",
            "--input",
            "rows.csv",
        ],
    );
    assert!(err.contains("\"none.dlm\" has no model"), "{err}");
}

#[test]
fn weights_of_another_model_are_refused() {
    let folder = linear("predict-weights");
    folder.write("wide.csv", "a,b,c,y\n1,2,3,0\n3,2,1,1\n2,1,2,0\n");
    folder.write(
        "wide.dlm",
        &LINEAR
            .replace("rows.csv", "wide.csv")
            .replace("net.s", "wide.s"),
    );
    folder.run(0, &["run", "wide.dlm"]);
    let arguments = [
        "predict",
        "model.dlm",
        "--weights",
        "wide.safetensors",
        "--input",
        "rows.csv",
    ];
    let (_, err) = folder.run(1, &arguments);
    assert!(
        err.contains("the file holds `net.theta` as f32[3], not f32[2]"),
        "{err}"
    );
    assert!(
        err.contains("help: the weights are those of this program"),
        "{err}"
    );
}

#[test]
fn what_cannot_be_written_is_said_before_and_what_fails_leaves_the_file() {
    let folder = linear("predict-output");
    let (_, err) = predict(&folder, 2, &["rows.csv", "--output", "out.txt"]);
    assert!(
        err.contains("help: the name ends in .csv, .json or .npy"),
        "{err}"
    );
    let (_, err) = predict(&folder, 2, &["rows.csv", "--output", "none/out.csv"]);
    assert!(
        err.starts_with("error: \"none/out.csv\" cannot be written"),
        "{err}"
    );
    folder.write("out.csv", "old\n");
    piped(&folder, 1, &["--output", "out.csv"], b"a\n1\n");
    let text = std::fs::read_to_string(folder.at("out.csv")).expect("still there");
    assert_eq!(text, "old\n");
    predict(&folder, 0, &["rows.csv", "--output", "out.csv"]);
    let text = std::fs::read_to_string(folder.at("out.csv")).expect("written");
    assert!(text.starts_with("y\n-2.15"), "{text}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = linear("predict-closed");
    let mut child = folder.start(&[&PREDICT[..], &["rows.csv"]].concat());
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let (_, err) = ended(0, &PREDICT, &output);
    assert_eq!(err, "");
}

#[test]
fn numbers_that_the_data_cannot_hold_are_not_rounded() {
    let folder = Folder::new("predict-whole");
    let bytes: Vec<u8> = [1i32, 2, 3, 4]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    std::fs::write(folder.at("rows.npy"), npy("<i4", "(2, 2)", &bytes)).expect("written");
    let program = r#"
let set = npy("rows.npy")
layer count(x: i32[n, d]) -> [n] {
    param theta: [d] = ones
    f32(x) @ theta
}
let net = count()
print net(set.x)
save net to "net.safetensors"
"#;
    folder.write("model.dlm", program);
    folder.run(0, &["run", "model.dlm"]);
    let file = |values: &[f32]| npy("<f4", "(1, 2)", &floats(values));
    std::fs::write(folder.at("x.npy"), file(&[5.0, 6.0])).expect("written");
    let (out, _) = predict(&folder, 0, &["x.npy"]);
    assert!(out.contains("11"), "{out}");
    std::fs::write(folder.at("x.npy"), file(&[5.0, 6.5])).expect("written");
    let (_, err) = predict(&folder, 1, &["x.npy"]);
    let words = "x.npy: 6.5 is no element of the program's data, which are whole numbers";
    assert!(err.contains(words), "{err}");
}

#[test]
fn weights_of_one_instance_are_loaded_into_another_and_that_is_said() {
    let (folder, _) = run("predict-renamed", LINEAR, "rows.csv", ROWS);
    let program = |names: &str, sum: &str| {
        let layer =
            "layer linear(x: [n, d]) -> [n] {\n    param theta: [d] = zeros\n    x @ theta\n}\n";
        let made = "let a = linear()\nlet b = linear()\n";
        format!("{layer}{made}let r = {sum}\nload {names} from \"net.safetensors\"\nprint {sum}\n")
    };
    folder.write("one.dlm", &program("a", "a([[1.0, 2.0]])"));
    let (out, err) = folder.run(0, &["run", "one.dlm"]);
    let said = "\"net.safetensors\" holds `net`: its weights are loaded into `a`";
    assert!(err.contains(said) && err.contains("[W0601]"), "{err}");
    assert_eq!(out, "[3]\n");
}

const SEQUENCES: &str = r#"let set = csv("rows.csv") |> sequences(by = "s", target = "y") |> standardize
layer model(x: [n, t, d], mask: bool[n, t]) -> [n, 2] {
    x |> gru(4, mask = mask) |> mean_over_time(mask = mask) |> dense(2)
}
let net = model()
train net on set {
    loss      = cross_entropy
    optimizer = adam(lr = 0.05)
    epochs    = 3
    batch     = 3
    seed      = 1
}
save net to "net.safetensors"
print softmax(net(set.x, length_mask(set.lengths, 3)))
"#;

const STEPS: &str = "s,a,b,y\nu,1,2,up\nu,2,3,up\nu,3,5,up\nv,3,1,down\nv,1,0,down\nw,2,2,up\n";

/// Each sequence is as long as it is: what is predicted for it is what the program computes of all of them, padded and masked.
#[test]
fn sequences_are_predicted_by_their_keys() {
    let (folder, printed) = run("predict-sequences", SEQUENCES, "rows.csv", STEPS);
    let own: Vec<f64> = printed
        .split(|c: char| !(c.is_ascii_digit() || ".e-".contains(c)))
        .filter_map(|number| number.parse().ok())
        .collect();
    assert_eq!(own.len(), 6, "{printed}");
    predict(&folder, 0, &["rows.csv", "--output", "p.csv"]);
    let text = std::fs::read_to_string(folder.at("p.csv")).expect("written");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "s,y,p(down),p(up)");
    for (line, wanted) in lines[1..].iter().zip(own.chunks(2)) {
        let found: Vec<f64> = line
            .split(',')
            .skip(2)
            .map(|x| x.parse().expect("a number"))
            .collect();
        assert!(
            found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5),
            "{line}: {wanted:?}"
        );
    }
    let keys: Vec<&str> = lines[1..]
        .iter()
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(keys, ["u", "v", "w"]);
    // Without the target, in another order of columns, and longer than any that was learned from.
    let more = "b,s,a\n1,x,1\n2,x,2\n2,x,2\n3,x,2\n4,x,3\n0,y,1\n";
    let (out, err) = piped(&folder, 0, &[], more.as_bytes());
    assert_eq!(err, "");
    let names: Vec<&str> = out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["s", "x", "y"], "{out}");
    // What was padded counts for nothing: the sequence alone is answered as among others.
    let (alone, _) = piped(&folder, 0, &[], b"s,a,b\ny,1,0\n");
    assert_eq!(alone.lines().last(), out.lines().last());
}

#[test]
fn sequences_of_a_layer_without_a_mask_are_as_long_as_those_it_learned_from() {
    let flat = SEQUENCES
        .replace(", mask: bool[n, t]", "")
        .replace(
            "x |> gru(4, mask = mask) |> mean_over_time(mask = mask) |> dense(2)",
            "x |> flatten |> dense(2)",
        )
        .replace("net(set.x, length_mask(set.lengths, 3))", "net(set.x)");
    let (folder, printed) = run("predict-flat-sequences", &flat, "rows.csv", STEPS);
    let (out, err) = predict(&folder, 0, &["rows.csv"]);
    assert_eq!((out.lines().count(), err.as_str()), (4, ""), "{printed}");
    let long = b"s,a,b\nx,1,1\nx,2,2\nx,1,1\nx,2,2\n";
    let (_, err) = piped(&folder, 1, &[], long);
    assert!(
        err.contains("the sequence x has 4 steps, and those that the model learned from at most 3"),
        "{err}"
    );
    assert!(err.contains("help: a layer that takes a `mask`"), "{err}");
    let (_, err) = piped(&folder, 1, &[], b"a,b\n1,1\n");
    assert!(err.contains("there is no column \"s\""), "{err}");
    let (_, err) = piped(&folder, 1, &[], b"s,a,b\nx,1,\n");
    assert!(err.contains("missing"), "{err}");
}

/// A target that the pipe scales, and the mean of the scaled target as the model: its answer is the mean of the target.
#[test]
fn a_scaled_target_is_answered_in_the_unit_of_the_file() {
    for (scaling, at_zero) in [
        (r#"standardize("y")"#, 150.0),
        (r#"standardize("y", "a")"#, 150.0),
        (r#"scale(0, 1, "y")"#, 100.0),
    ] {
        let program = format!(
            r#"
let set = csv("rows.csv") |> target("y") |> {scaling}
layer zero(x: [n, d]) -> [n] {{
    param theta: [d] = zeros
    x @ theta
}}
let net = zero()
print sum(net(set.x))
save net to "net.safetensors"
"#
        );
        let rows = "a,b,y\n1,10,100\n2,30,200\n6,20,150\n";
        let (folder, _) = run("scaled_target", &program, "rows.csv", rows);
        let (table, err) = predict(&folder, 0, &["rows.csv"]);
        assert_eq!(err, "", "{scaling}");
        close(&last_column(&table), &[at_zero; 3]);
    }
}

/// A text that the training part does not have has no column: nothing was learned of it.
#[test]
fn a_row_with_an_unknown_word_is_refused() {
    let program = r#"
let set = csv("rows.csv") |> target("y") |> one_hot("kind") |> standardize
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = ones
    x @ theta
}
let net = linear()
print sum(net(set.x)) < 1e9
save net to "net.safetensors"
"#;
    let rows = "a,kind,y\n1,oak,0\n2,ash,1\n6,oak,0\n";
    let (folder, _) = run("unknown_word", program, "rows.csv", rows);
    let (table, _) = predict(&folder, 0, &["rows.csv"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    for (row, said) in [
        ("3,elm,0", "row 2, column \"kind\": \"elm\" is not a value"),
        ("3,,0", "row 2, column \"kind\": the value is missing"),
    ] {
        let new = format!("a,kind,y\n1,oak,0\n{row}\n");
        let (_, err) = piped(&folder, 1, &[], new.as_bytes());
        assert!(err.contains(said) && err.contains("ash, oak"), "{err}");
    }
}

#[test]
fn a_pattern_names_several_files_of_rows() {
    let (folder, _) = run("predict-pattern", LINEAR, "rows.csv", ROWS);
    folder.write("day1.csv", "a,b\n-4,0\n");
    folder.write("day2.csv", "b,a\n50,2.5\n");
    let wanted = [(-4.0, 0.0), (2.5, 50.0)].map(|(a, b)| sum_of_standardized(a, b));
    let (out, err) = predict(&folder, 0, &["day*.csv"]);
    assert_eq!(err, "");
    close(&last_column(&out), &wanted);
    let (out, _) = predict(&folder, 0, &["day*"]);
    close(&last_column(&out), &wanted);
    folder.write("day3.csv", "a,b\n1,1\n2,\n");
    let (_, err) = predict(&folder, 1, &["day*.csv"]);
    assert!(err.contains("day3.csv, row 2, column \"b\""), "{err}");
}
