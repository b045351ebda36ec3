//! The command as a user meets it: streams, exit codes.
#![cfg(feature = "cli")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn dlmc(arguments: &[&str], input: &str) -> Output {
    dlmc_in(Path::new("."), arguments, input)
}

fn dlmc_in(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // A command that does not read its input closes it, which is no fault.
    let _ = child
        .stdin
        .take()
        .expect("piped")
        .write_all(input.as_bytes());
    child.wait_with_output().expect("the command ends")
}

fn check(arguments: &[&str], input: &str, code: i32, out: &str, err: &str) {
    let output = dlmc(arguments, input);
    let (stdout, stderr) = texts(&output);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}\n{stdout}\n{stderr}"
    );
    assert_eq!(stdout, out, "{arguments:?}\n{stderr}");
    assert!(stderr.contains(err), "{arguments:?}\n{stderr}");
    if err.is_empty() {
        assert_eq!(stderr, "", "{arguments:?}");
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_program_from_standard_input_prints_and_is_quiet_otherwise() {
    check(&["run", "-"], "print 1.5 + 2.0\n", 0, "3.5\n", "");
}

#[test]
fn a_data_set_is_printed_and_one_that_nothing_reads_is_looked_at() {
    let program = "let set = data(x = [[1, 2], [3, 4]], y = [1.0, 2])\nprint set\n";
    let (shown, _) = texts(&dlmc(&["run", "-"], program));
    assert!(
        shown.contains("  x: f32[2, 2]\n") && shown.contains("  y: f32[2]\n"),
        "{shown}"
    );
    let program = "let set = csv(\"no-such-file.csv\") |> target(\"y\")\nprint 1\n";
    check(&["run", "-"], program, 2, "", "no-such-file.csv");
    // What another is made of is not looked at by itself: as it stands it may be wrong.
    let folder = std::env::temp_dir().join(format!("dlmc-unread-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let table = folder.join("t.csv").display().to_string();
    std::fs::write(&table, "a,kind\n1,oak\n2,ash\n").expect("written");
    let program =
        format!("let raw = csv({table:?})\nlet set = raw |> target(\"kind\")\nprint set.y\n");
    check(&["run", "-"], &program, 0, "[1, 0]\n", "");
    let alone = format!("let raw = csv({table:?})\nprint 1\n");
    check(&["run", "-"], &alone, 1, "", "holds text");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn hyper_parameters_are_set_from_the_command_line() {
    let program = "hyper a = 2.0\nprint a * 2.0\n";
    check(&["run", "-"], program, 0, "4\n", "");
    check(&["run", "-", "a=0.25"], program, 0, "0.5\n", "");
    check(&["run", "-", "b=1"], program, 1, "", "error[");
}

#[test]
fn the_subscript_that_is_out_of_range_is_marked() {
    let head = "let table = [[1.0, 2], [3, 4]]\nlet at: i32[3] = [0, 1, 2]\n";
    let one = format!("{head}let y[i, k] = 2 * table[at[i], k]\nprint y\n");
    let place = "<stdin>:3:25\n  |\n3 | let y[i, k] = 2 * table[at[i], k]\n  |                         ^^^^^ this is 2, and the size is 2\n";
    check(&["run", "-"], &one, 1, "", place);
    // Which of two is meant nobody knows.
    let two = format!("{head}let y[i] = table[at[i], at[i]]\nprint y\n");
    check(&["run", "-"], &two, 1, "", "<stdin>:3:1\n");
}

#[test]
fn a_wrong_program_ends_with_1_and_a_wrong_command_with_2() {
    check(&["run", "-"], "print nothing\n", 1, "", "<stdin>:1:7");
    check(&["check", "-"], "let a = (1 +\n", 1, "", "error[E01");
    check(&["run", "no-such-file.dlm"], "", 2, "", "no-such-file.dlm");
    check(
        &["run", "-"],
        "let d = csv(\"no-such-file.csv\")\nprint d.x\n",
        2,
        "",
        "no-such-file.csv",
    );
    check(
        &["run", "-", "--no-such-option"],
        "",
        2,
        "",
        "--no-such-option",
    );
    check(&["run", "-", "a"], "print 1\n", 2, "", "name=value");
    check(
        &["emit", "--stage", "after:fuze", "-"],
        "",
        2,
        "",
        "the passes are",
    );
    check(
        &["run", "-"],
        "assert 1.0 > 2.0, \"never\"\n",
        1,
        "",
        "never",
    );
}

#[test]
fn every_stage_has_a_text() {
    let program =
        "let x = [[1, 2], [3, 4]]\nlet y[i, j] = sum[k] x[i, k] * x[k, j] + 1.0\nprint y\n";
    for stage in [
        "tokens",
        "ast",
        "typed",
        "tir",
        "grad",
        "after:simplify",
        "after:fuse",
        "kernels",
        "memory",
        "clif",
        "asm",
    ] {
        let output = dlmc(&["emit", "--stage", stage, "-"], program);
        let (stdout, stderr) = texts(&output);
        assert!(
            output.status.success() && stdout.len() > 20,
            "{stage}\n{stdout}\n{stderr}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let program = b"for i in 0..1000 {\n    print i\n}\n";
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(program)
        .expect("it reads");
    let output = child.wait_with_output().expect("the command ends");
    let (_, stderr) = texts(&output);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
}

const TRAINING: &str = "
let set = data(x = [[1, 0], [0, 1], [1, 1], [-1, 0.5]], y = [2, -1, 1, -2.5])
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let f = linear()
train f on set {
    loss = mse
    optimizer = momentum(lr = 0.05)
    epochs = 12
    batch = 2
    shuffle = true
    seed = 3
}
print \"{f.theta}\"
";

#[test]
fn a_training_that_its_rule_ended_says_so() {
    let program = "
let set = data(x = [[1, 2], [2, 3], [3, 4], [4, 5]], y = [2, 3, 4, 5])
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let f = linear()
train f on set {
    loss = mse
    optimizer = sgd(lr = 0.0)
    epochs = 12
    batch = 2
    stop = no_improvement(epochs = 1)
}
";
    let (_, stderr) = texts(&dlmc(&["run", "-", "--progress"], program));
    let last = stderr.lines().last().expect("a table");
    assert!(
        last.starts_with("2 of 12 epochs of 2 steps in "),
        "{stderr}"
    );
    assert!(last.ends_with("stopped: no improvement"), "{stderr}");
    let whole = program.replace("    stop = no_improvement(epochs = 1)\n", "");
    let (_, stderr) = texts(&dlmc(&["run", "-", "--progress"], &whole));
    assert!(!stderr.contains("stopped"), "{stderr}");
}

#[test]
fn progress_is_one_line_an_epoch_on_standard_error() {
    let output = dlmc(&["run", "-", "--progress"], TRAINING);
    let (stdout, stderr) = texts(&output);
    let epochs = stderr.lines().filter(|line| line.starts_with("epoch "));
    assert_eq!(
        (stdout.lines().count(), epochs.count()),
        (1, 12),
        "{stderr}"
    );
    assert!(stderr.starts_with("epoch  1/12  loss "), "{stderr}");
    let table: Vec<&str> = stderr.lines().skip(12).collect();
    assert!(table[0].ends_with("last      best  in epoch"), "{stderr}");
    assert!(table[2].starts_with("12 epochs of 2 steps in "), "{stderr}");
    assert!(!stderr.contains('\x1b'), "{stderr:?}");
    let (_, silent) = texts(&dlmc(&["run", "-"], TRAINING));
    assert_eq!(silent, "");
    check(
        &["run", "-", "-q", "--progress"],
        TRAINING,
        2,
        "",
        "--quiet",
    );
}

#[test]
fn colours_are_forced_and_refused() {
    let error = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_dlmc"))
            .args(["run", "no-such-file.dlm"])
            .args(arguments)
            .env_remove("NO_COLOR")
            .env_remove("FORCE_COLOR")
            .envs(variables.iter().copied())
            .output()
            .expect("the command runs");
        texts(&output).1.contains('\x1b')
    };
    assert!(!error(&[], &[]), "a file has no colours");
    assert!(error(&[("FORCE_COLOR", "1")], &[]));
    assert!(!error(&[("FORCE_COLOR", "0")], &[]));
    assert!(!error(&[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], &[]));
    assert!(!error(&[("FORCE_COLOR", "1")], &["--color", "never"]));
    assert!(error(&[("NO_COLOR", "1")], &["--color", "always"]));
}

#[test]
fn threads_change_nothing() {
    let one = texts(&dlmc(&["run", "-", "--threads", "1"], TRAINING));
    let three = texts(&dlmc(&["run", "-", "--threads", "3"], TRAINING));
    assert_eq!(one, three);
    assert!(one.0.starts_with('['), "{one:?}");
}

#[test]
fn check_says_what_a_program_is() {
    let (stdout, _) = texts(&dlmc(&["check", "-"], TRAINING));
    assert!(stdout.contains("parameter   f.theta f32[2]\n"), "{stdout}");
    assert!(
        stdout.contains("parameters  2 in 1 tensors, 8 bytes\n"),
        "{stdout}"
    );
    let time = stdout.lines().find(|line| line.starts_with("time "));
    let time = time.unwrap_or_else(|| panic!("{stdout}"));
    assert!(
        time.contains("about ") && time.contains(" runs of graphs"),
        "{time}"
    );
    assert!(stdout.contains("\nsteps       "), "{stdout}");
    // A verbose run begins with the same.
    let (_, stderr) = texts(&dlmc(&["run", "-", "--verbose"], TRAINING));
    let words = |text: &str| {
        text.lines()
            .filter_map(|line| line.split("  ").next().map(String::from))
            .collect::<Vec<_>>()
    };
    let said = words(&stdout);
    assert_eq!(words(&stderr)[..said.len()], said, "{stderr}");
    // Where nothing says how long a loop goes on, the estimate is of the most turns that it may have.
    let until = "let a = 1.0\nrepeat until a < 0.5, at most 70 {\n    a = a * 0.5\n}\n";
    let (stdout, _) = texts(&dlmc(&["check", "-"], until));
    assert!(stdout.contains("time        at most about "), "{stdout}");
    // A step of years is not run to be tried.
    for long in [
        "print sum[i < 1073741824, j < 1073741824] (f32(i) * f32(j))\n",
        "print last(scan i in 0..2147483647, h = 0.0 { h + 1.0 })\n",
    ] {
        let (stdout, stderr) = texts(&dlmc(&["check", "-"], long));
        assert!(
            stdout.contains("takes too long to be tried"),
            "{stdout}{stderr}"
        );
    }
    // Every program ends; what cannot be counted in time is said to be too long, and no sum overflows.
    let step = "let a = 1.0\nfor i in 0..LONG {\n    repeat TURNS {\n        a = a * 0.5\n    }\n    print i\n}\n";
    for (long, turns) in [("2000000000", "2"), ("5", "9000000000000000000")] {
        let program = step.replace("LONG", long).replace("TURNS", turns);
        let (stdout, _) = texts(&dlmc(&["check", "-"], &program));
        let told = "time        not known: the loops are too long to be counted beforehand\n";
        assert!(stdout.ends_with(told), "{stdout}");
    }
}

/// The program itself may be part of a ring.
#[test]
fn an_import_of_the_program_itself_is_refused() {
    let folder = std::env::temp_dir().join(format!("dlmc-ring-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let main = folder.join("main.dlm");
    std::fs::write(&main, "import \"part.dlm\"\nfn f(x) { x }\nprint g(1)\n").unwrap();
    std::fs::write(
        folder.join("part.dlm"),
        "import \"main.dlm\"\nfn g(x) { 2 * f(x) }\n",
    )
    .unwrap();
    let (stdout, stderr) = texts(&dlmc(&["run", main.to_str().unwrap()], ""));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(stdout, "");
    assert_eq!(stderr.matches("error[").count(), 1, "{stderr}");
    assert!(
        stderr.contains("error[E0205]: imports go in a ring: "),
        "{stderr}"
    );
}

/// Two recurrences that do not depend on one another, with their gradients.
const BOTH_WAYS: &str = "
let set = data(x = [[[1, 0], [0, 1], [1, 1]], [[-1, 0.5], [0, 0], [2, 1]]], y = [1, -1])
layer both(x: [n, t, d]) -> [n] {
    let h = x |> bidirectional(rnn(4), rnn(3, reverse = true)) |> mean_over_time |> dense(1)
    h[:, 0]
}
let f = both()
train f on set {
    loss = mse
    optimizer = sgd(lr = 0.05)
    epochs = 40
    batch = 2
}
";

#[test]
fn explain_lists_the_kernels_of_every_loop() {
    let output = dlmc(&["explain", "-", "--seconds", "0.2", "--all"], BOTH_WAYS);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stdout.starts_with("<stdin> on "), "{stdout}");
    assert!(stdout.contains("GB/s at most (measured now)"), "{stdout}");
    let step = stdout
        .split("\n\n")
        .find(|graph| graph.contains(" 40 runs of "))
        .unwrap_or_else(|| panic!("no graph of 40 steps in\n{stdout}"));
    assert_eq!(step.matches("tanh v").count(), 2, "{step}");
    assert!(step.contains(", 3 times  at std/recurrent.dlm"), "{step}");
    assert!(step.contains("apart from v"), "{step}");
    let shares = step.lines().filter_map(|line| line.split_once('%'));
    let shares = shares.filter_map(|(share, _)| share.trim().parse::<f64>().ok());
    let total: f64 = shares.sum();
    assert!((50.0..=101.0).contains(&total), "{total}\n{step}");
}

#[test]
fn a_program_beyond_its_budget_is_refused_before_it_runs() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris.dlm");
    for (allowed, words) in [
        (["--max-params", "10"], "has 15 parameters"),
        (["--max-memory", "1k"], "--max-memory allows 1.0 kB"),
    ] {
        for command in ["run", "check", "bench"] {
            let output = dlmc(&[command, file, allowed[0], allowed[1]], "");
            let (out, err) = texts(&output);
            assert_eq!(output.status.code(), Some(1), "{err}");
            assert!(err.contains(words), "{err}");
            assert!(command == "check" || out.is_empty(), "nothing ran: {out}");
        }
    }
    let output = dlmc(
        &["check", file, "--max-params", "15", "--max-memory", "64M"],
        "",
    );
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(out.contains("\noptimizer   64 bytes"), "{out}");
    assert!(out.contains("operations and"), "{out}");
    let output = dlmc(&["run", file, "--max-memory", "much"], "");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn data_shows_what_a_file_holds_and_how_a_program_begins() {
    let root = env!("CARGO_MANIFEST_DIR");
    let iris = format!("{root}/examples/data/iris.csv");
    let output = dlmc(&["data", &iris], "");
    let (shown, said) = texts(&output);
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], format!("{iris}: 150 rows, 5 columns"));
    assert!(lines[3].starts_with("sepal_length  number"), "{shown}");
    assert!(
        lines[3].contains("4.3 to 7.9, mean 5.843 ± 0.8253"),
        "{shown}"
    );
    assert!(
        lines[7].contains("3 values: setosa 50, versicolor 50, virginica 50"),
        "{shown}"
    );
    // The line that it proposes is one that a program can begin with.
    let start = lines
        .last()
        .expect("a line")
        .trim_start_matches("a start: ");
    let program = format!("{start}\nprint iris_data.train.y[0] >= 0\n");
    check(&["run", "-"], &program, 0, "true\n", "");
    for set in ["wine", "breast_cancer", "digits", "japanese_vowels_train"] {
        let file = format!("{root}/examples/data/{set}.csv");
        let (shown, _) = texts(&dlmc(&["data", &file, "--all"], ""));
        let start = shown
            .lines()
            .last()
            .expect("a line")
            .trim_start_matches("a start: ");
        let program = format!("{start}\nprint {set}_data.train.y[0]\n");
        let output = dlmc(&["check", "-"], &program);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{start}\n{}",
            texts(&output).1
        );
    }
}

/// Numbers, texts and targets that are missing, texts that come again and others that do not, a column of nothing.
#[test]
fn the_start_for_a_table_with_gaps_runs() {
    let folder = std::env::temp_dir().join(format!("dlmc-gaps-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let table = |separator: &str, missing: &str| {
        let mut text = ["day", "colour", "wood", "note", "size", "void", "cost"].join(separator);
        for row in 0..40 {
            let pick = |names: &[&str], gap: usize| match row % gap {
                0 => missing.to_string(),
                _ => names[row % names.len()].to_string(),
            };
            let cells = [
                format!("2024-01-{:02}", row % 28 + 1),
                pick(&["red", "blue \\{x}"], 7),
                match row {
                    5 | 25 => "elm".into(),
                    _ => pick(&["ash", "oak"], 9),
                },
                format!("the {row}th"),
                pick(&["1.5", "2", "4"], 5),
                missing.to_string(),
                pick(&["10", "20.5", "30", "40", "50"], 11),
            ];
            text += &format!("\n{}", cells.join(separator));
        }
        text + "\n"
    };
    for (name, text, options) in [
        ("a.csv", table(",", ""), &[][..]),
        ("b.csv", table("|", "-999"), &["--separator", "|"]),
        ("c.tsv", table("\t", "NA"), &[]),
    ] {
        let path = folder.join(name).display().to_string();
        std::fs::write(&path, text).expect("written");
        let mut arguments = vec!["data", path.as_str()];
        arguments.extend(options);
        if name == "b.csv" {
            arguments.push("--missing=-999");
        }
        let (shown, _) = texts(&dlmc(&arguments, ""));
        let start = shown.lines().last().expect("a line");
        let start = start.trim_start_matches("a start: ");
        for step in [
            "dates(\"day\")",
            "drop_missing(\"cost\")",
            "drop(\"note\", \"void\")",
            "fill_missing",
            "one_hot(\"wood\")",
        ] {
            assert!(start.contains(step), "{start}");
        }
        let set = start.split_whitespace().nth(1).expect("a name");
        let program = format!("{start}\nprint min({set}.train.x) < max({set}.test.x)\n");
        check(&["run", "-"], &program, 0, "true\n", "");
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn data_tells_how_dates_are_written_and_what_is_odd() {
    let folder = std::env::temp_dir().join(format!("dlmc-odd-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("ümlaut-1.csv").display().to_string();
    let table = |strays: [&str; 2]| {
        let mut text = String::from(",day,size,wood,y\n");
        for row in 0..40 {
            let size = match row {
                3 => strays[0],
                7 => strays[1],
                _ => ["1.5", "2", "2.5"][row % 3],
            };
            let wood = ["oak", "ash", "oak"][row % 3];
            text += &format!("{row},{}/03/2024,{size},{wood},{row}\n", row % 28 + 1);
        }
        std::fs::write(&path, text).expect("written");
        let (shown, _) = texts(&dlmc(&["data", &path], ""));
        let start = shown.lines().last().expect("a line");
        let start = start.trim_start_matches("a start: ").to_string();
        let program = format!("{start}\nprint min(ümlaut_1_data.train.x) < 0\n");
        check(&["run", "-"], &program, 0, "true\n", "");
        (shown, start)
    };
    let (shown, start) = table(["-", "2"]);
    for part in ["day first", "1 cell is no number: -", "the labels of rows"] {
        assert!(shown.contains(part), "{shown}");
    }
    let line = shown.lines().find(|line| line.starts_with("wood"));
    let bars = line.expect("the column").split_whitespace().nth(2);
    assert!(
        matches!(bars, Some("█▄" | "94")),
        "two bars, of 27 and 13: {line:?}"
    );
    for part in ["missing = \"-\"", "order = \"dmy\"", "fill_missing"] {
        assert!(start.contains(part), "{start}");
    }
    let (shown, start) = table(["low", "high"]);
    assert!(
        shown.contains("2 cells are no numbers: high 1, low 1"),
        "{shown}"
    );
    assert!(start.contains("drop(\"size\")"), "{start}");
    let (shown, _) = texts(&dlmc(&["data", &path, "--missing", "-999"], ""));
    assert!(shown.contains("cells are no numbers"), "{shown}");
    let (help, _) = texts(&dlmc(&["data", "--help"], ""));
    assert!(help.contains("Parquet"), "{help}");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn data_answers_in_json_and_refuses_what_it_cannot_read() {
    let folder = std::env::temp_dir().join(format!("dlmc-data-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let at = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let table = at("a.csv", "when;n\n2024-01-31;1\n2024-02-29;-\n");
    let output = dlmc(&["data", &table, "--json", "--missing", "-"], "");
    let (shown, _) = texts(&output);
    let value: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(value["rows"], 2);
    assert_eq!(value["columns"][0]["kind"], "date");
    assert_eq!(value["columns"][0]["high"], 19_782.0);
    assert_eq!(value["columns"][1]["missing"], 1);
    let ragged = at("b.csv", "a,b\n1,2\n3\n");
    check(
        &["data", &ragged],
        "",
        1,
        "",
        "row 2: 1 cell, where the header has 2",
    );
    let address = "https://data.invalid/a.csv";
    check(&["data", address], "", 2, "", "is an address");
    let nothing = folder.join("c*.csv").display().to_string();
    check(&["data", &nothing], "", 2, "", "no file matches");
    // What a file says does not steer the terminal.
    let odd = at("d.csv", "a\x1b[31m,b\nx\x1b[0m,1\ny,2\n");
    let (shown, _) = texts(&dlmc(&["data", &odd, "--color", "always"], ""));
    assert!(
        !shown.contains('\x1b') && shown.contains("\\u{1b}"),
        "{shown}"
    );
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// In the working directory, where the base folder of a program is `.`, and at the prompt, where it is none.
#[test]
fn a_pattern_in_a_folder_is_found_from_the_working_directory() {
    let folder = std::env::temp_dir().join(format!("dlmc-pattern-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("sub")).expect("a folder");
    let program = "let d = csv(\"sub/q*.csv\")\nprint d.x\n";
    std::fs::write(folder.join("m.dlm"), program).expect("written");
    std::fs::write(folder.join("sub/q1.csv"), "a,b\n1,2\n").expect("written");
    std::fs::write(folder.join("sub/q2.csv"), "a,b\n3,4\n").expect("written");
    for arguments in [&["run", "m.dlm"][..], &["run", "./m.dlm"], &["run", "-"]] {
        let (shown, err) = texts(&dlmc_in(&folder, arguments, program));
        let numbers: Vec<&str> = shown
            .split(|c: char| !c.is_ascii_digit())
            .filter(|number| !number.is_empty())
            .collect();
        assert_eq!(numbers, ["1", "2", "3", "4"], "{arguments:?}\n{err}");
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// What a person meant who gave a file that is no program, or a word that is no command.
#[test]
fn a_program_that_is_not_there_is_told_beside_those_that_are() {
    let folder = std::env::temp_dir().join(format!("dlmc-meant-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let at = |name: &str| folder.join(name).display().to_string();
    check(
        &["run", &at("main.dlm")],
        "",
        2,
        "",
        "`dlmc new DIR` begins one",
    );
    std::fs::write(at("model.dlm"), "print 1\n").expect("written");
    std::fs::write(at("rows.csv"), "a,b\n1,2\n").expect("written");
    check(
        &["run", &at("main.dlm")],
        "",
        2,
        "",
        "the programs there: model.dlm",
    );
    check(&["run", &at("model")], "", 2, "", "did you mean");
    check(&["run", &at("")], "", 2, "", "it is a folder");
    check(
        &["run", &at("rows.csv")],
        "",
        2,
        "",
        "is a file of data, not a program",
    );
    check(
        &["rn", &at("model.dlm")],
        "",
        2,
        "",
        "a similar subcommand exists: 'run'",
    );
    check(&["init"], "", 2, "", "'dlmc new DIR'");
    for command in ["run", "check", "fmt", "bench"] {
        let address = "https://data.invalid/models/a.dlm";
        check(&[command, address], "", 2, "", "is an address");
        check(&[command, address], "", 2, "", "`curl -L -o a.dlm https");
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// A program that is over in a millisecond, or has few steps, is run again until there is something to time.
#[test]
fn short_programs_are_timed_and_what_they_write_stays() {
    let folder = std::env::temp_dir().join(format!("dlmc-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = folder.join("p.dlm");
    let text = "let net = dense(1)\nrepeat 300 { minimize mean(net([[1.0, 2.0]]) ^ 2) with sgd(lr = 0.1) }\n\
        save net to \"net.safetensors\"\n";
    std::fs::write(&program, text).expect("a program");
    let program = program.to_str().expect("UTF-8");
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/linear_regression.dlm"
    );
    let by_hand = folder.join("q.dlm");
    let text = "let set = csv(\"iris.csv\") |> target(\"species\")\nlet f = dense(3)\n\
        for epoch in 1..=3 {\n    for b in set |> batches(10) { minimize cross_entropy(f(b.x), b.y) with adam(lr = 0.01) }\n}\n\
        for i in 1..=200 { minimize mean(f(set.x) ^ 2) with sgd(lr = 0.001) }\n";
    std::fs::write(&by_hand, text).expect("a program");
    let iris = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/iris.csv");
    std::fs::copy(iris, folder.join("iris.csv")).expect("copied");
    let by_hand = by_hand.to_str().expect("UTF-8");
    for file in [program, example, by_hand] {
        let run = dlmc(&["bench", file, "--seconds", "1", "--json"], "");
        let (out, err) = texts(&run);
        assert_eq!(run.status.code(), Some(0), "{file}: {err}");
        let read: serde_json::Value = serde_json::from_str(&out).expect("a line of JSON");
        let positive = |key: &str| read[key].as_f64().is_some_and(|value| value > 0.0);
        for key in ["us_per_step", "us_best", "blocks", "steps", "operations"] {
            assert!(positive(key), "{file}: {key}: {out}");
        }
        assert!(read["host_share"].is_null(), "{out}");
    }
    assert!(
        !folder.join("net.safetensors").exists(),
        "bench writes elsewhere"
    );
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    let none = dlmc(&["bench", "-", "--seconds", "0.1"], "print 1\n");
    let (_, err) = texts(&none);
    assert_eq!(none.status.code(), Some(1));
    assert!(err.contains("no training steps to time"), "{err}");
}
