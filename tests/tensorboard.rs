//! TensorBoard itself reads what a run wrote for it. Needs a Python with the package `tensorboard`: `python3`, or the one that
//! `DLMC_TEST_PYTHON` names (then it must have it). Without one the test says so; `tests/training_output.rs` reads the files too.
#![cfg(feature = "cli")]

use std::process::Command;

/// A Python that has TensorBoard.
fn python() -> Option<String> {
    let named = std::env::var("DLMC_TEST_PYTHON").unwrap_or_default();
    let python = if named.is_empty() { "python3" } else { &named };
    let found = Command::new(python)
        .args(["-c", "import tensorboard"])
        .output()
        .is_ok_and(|run| run.status.success());
    assert!(found || named.is_empty(), "{named} has no tensorboard");
    if !found {
        eprintln!("no Python with tensorboard: it is not asked");
    }
    found.then(|| python.to_string())
}

#[test]
fn tensorboard_reads_every_scalar_of_the_log() {
    let tags = [
        "step/loss",
        "epoch/loss",
        "epoch/val_loss",
        "epoch/val_accuracy",
    ];
    reads("iris.dlm", &tags);
}

#[test]
fn tensorboard_reads_the_losses_of_loops_by_hand() {
    reads("linear_regression.dlm", &["loop/"]);
}

fn reads(program: &str, tags: &[&str]) {
    let Some(python) = python() else { return };
    let name = format!("dlmc-tensorboard-{}-{program}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    let at = |name: &str| folder.join(name).to_str().expect("UTF-8").to_string();
    let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", program, "--quiet", "--seed", "1"])
        .args(["--tensorboard", &at("runs"), "--log", &at("run.jsonl")])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))
        .output()
        .expect("starts");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let read = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/bench/read_events.py"))
        .args([at("runs"), at("run.jsonl")])
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&read.stdout);
    let _ = std::fs::remove_dir_all(&folder);
    let errors = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{said}{errors}");
    for tag in tags {
        let line = said.lines().find(|line| line.starts_with(tag));
        assert!(
            line.is_some_and(|line| line.ends_with("all equal")),
            "{tag}: {said}"
        );
    }
}
