//! Losses and parameters that become infinite or NaN: each `tests/nonfinite/NAME.dlm`, all that `dlmc run` says of it against
//! `NAME.txt`. `DLMC_BLESS=1 cargo test --test nonfinite` writes the expectations anew.
#![cfg(feature = "cli")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Folder, ended};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nonfinite")
}

/// Exit code and output of a run, standard output first.
fn said(file: &str, options: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", file, "--threads", "1"])
        .args(options)
        .current_dir(folder())
        .output()
        .expect("the command runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let text = text(&output.stdout) + &text(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn the_step_and_the_operation_are_named() {
    let mut programs: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "dlm"))
        .collect();
    programs.sort();
    assert!(programs.len() >= 9);
    let mut differing = String::new();
    for path in programs {
        let (code, text) = said(path.file_name().unwrap().to_str().unwrap(), &[]);
        let found = format!("exit {code}\n{text}");
        assert!(found.lines().count() <= 24, "one screen:\n{found}");
        let expectation = path.with_extension("txt");
        if std::env::var_os("DLMC_BLESS").is_some() {
            std::fs::write(&expectation, &found).unwrap();
        } else if std::fs::read_to_string(&expectation).unwrap_or_default() != found {
            differing += &format!("{}:\n{found}\n", path.display());
        }
    }
    assert!(differing.is_empty(), "{differing}");
}

#[test]
fn the_same_is_found_by_any_number_of_threads() {
    let file = "two_losses.dlm";
    let (one, many) = (said(file, &[]), said(file, &["--seed", "0"]));
    assert_eq!(one, many);
    let output = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", file, "--threads", "4"])
        .current_dir(folder())
        .output()
        .expect("the command runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), one.1);
}

#[test]
fn a_warning_is_given_once_and_the_run_goes_on() {
    let (code, text) = said("logarithm_of_zero.dlm", &["--on-nonfinite", "warn"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("epoch 1\nepoch 2\nepoch 3\n"), "{text}");
    assert_eq!(text.matches("warning[E0605]").count(), 1, "{text}");
    assert!(
        text.contains("log(0)") && text.contains("the run goes on"),
        "{text}"
    );
}

#[test]
fn nobody_looks_where_that_is_wanted() {
    let (code, text) = said("logarithm_of_zero.dlm", &["--on-nonfinite", "ignore"]);
    assert_eq!((code, text.as_str()), (0, "epoch 1\nepoch 2\nepoch 3\n"));
    let (code, text) = said("logarithm_of_zero.dlm", &["--on-nonfinite", "maybe"]);
    assert_eq!(code, 2, "{text}");
}

#[test]
fn a_run_that_goes_on_ends_as_one_that_nobody_watched() {
    let folder = Folder::new("nonfinite-bits");
    let program = std::fs::read_to_string(self::folder().join("two_losses.dlm")).unwrap();
    let text = program + "save g to \"g.safetensors\"\n";
    folder.write("gan.dlm", &text);
    let mut weights = Vec::new();
    for policy in ["warn", "ignore"] {
        folder.run(0, &["run", "gan.dlm", "--on-nonfinite", policy]);
        weights.push(std::fs::read(folder.at("g.safetensors")).expect("saved"));
    }
    assert!(weights[0] == weights[1]);
}

/// A rate that rises until the numbers overflow, after a second of steps: the replay begins at a state that was kept.
const LATE: &str = r#"
let x = normal[64, 32]
let y = normal[64, 1]
layer line(x: [n, d]) -> [n, 1] { x |> dense(16) |> tanh |> dense(1) }
let f = line()
let rate = [1e-30]
for round in 1..=100000 {
    repeat 50 {
        let rate = rate * 1.0006
        minimize mse(f(x), y) with sgd(lr = rate[0])
    }
}
print "never"
"#;

#[test]
fn a_late_fault_is_found_from_a_kept_state_and_good_checkpoints_stay() {
    let folder = Folder::new("nonfinite-late");
    folder.write("late.dlm", LATE);
    let arguments = ["run", "late.dlm", "--checkpoint", "kept", "--every", "0.4s"];
    let output = folder.command(&arguments).output().expect("runs");
    let (stdout, stderr) = ended(1, &arguments, &output);
    assert_eq!(stdout, "");
    assert!(
        stderr.contains("error[E0605]") && stderr.contains("turn "),
        "{stderr}"
    );
    let (_, plain) = folder.run(1, &["run", "late.dlm"]);
    assert_eq!(
        plain, stderr,
        "with checkpoints and without the same step is found"
    );
    // The checkpoint is from before the fault: the run goes on from it to the same end.
    let (_, again) = folder.run(1, &[&arguments[..], &["--resume"]].concat());
    let (first, rest) = again.split_once('\n').expect("two lines");
    assert!(first.starts_with("going on after step"), "{again}");
    assert_eq!(rest, stderr);
}

#[test]
fn weights_that_are_not_finite_are_refused_where_a_run_begins() {
    let folder = Folder::new("nonfinite-load");
    let program = "layer m(x: [n]) -> [n] {\n    param a: [] = INIT\n    a * x\n}\nlet f = m()\nminimize mean(f([1, 2])) with sgd(lr = 0.1)\nTHERE f ACTION \"w.safetensors\"\n";
    folder.write(
        "bad.dlm",
        &program
            .replace("INIT", "log(zeros[])")
            .replace("THERE", "save")
            .replace("ACTION", "to"),
    );
    folder.run(0, &["run", "bad.dlm", "--on-nonfinite", "ignore"]);
    let (_, stderr) = folder.run(1, &["run", "bad.dlm"]);
    assert!(stderr.contains("`f.a` becomes minus infinite"), "{stderr}");
    let good = program
        .replace("INIT", "zeros")
        .replace("THERE", "load")
        .replace("ACTION", "from");
    folder.write(
        "good.dlm",
        &(good + "minimize mean(f([1, 2])) with sgd(lr = 0.1)\nprint f.a\n"),
    );
    let (_, stderr) = folder.run(1, &["run", "good.dlm"]);
    assert!(
        stderr.contains("`f.a` is not finite where the run begins or goes on"),
        "{stderr}"
    );
}
