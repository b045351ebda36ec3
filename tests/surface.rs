//! What the command shows of itself, through the command: completions, manual pages, variables, and docs/command_line.md beside
//! `--help`. `DLMC_BLESS=1 cargo test --test surface` writes the table of flags anew.
#![cfg(feature = "cli")]

mod support;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::Folder;

const TRAINING: &str = "let set = data(x = [[1, 2], [3, 4]], y = [1, 2])\n\
    layer line(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }\n\
    let net = line()\n\
    train net on set {\n    loss = mse\n    optimizer = sgd(lr = 0.01)\n    epochs = 2\n}\n\
    print normal[2]\n";

fn dlmc(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlmc"));
    let twins = std::env::vars().filter(|(name, _)| name.starts_with("DLMC_"));
    twins.for_each(|(name, _)| {
        command.env_remove(name);
    });
    let mut child = command
        .args(arguments)
        .envs(variables.iter().copied())
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

fn said(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> (String, String) {
    let output = dlmc(arguments, variables, input);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{arguments:?} {variables:?}\n{err}"
    );
    (out, err)
}

/// The commands that `dlmc --help` lists.
fn commands() -> Vec<String> {
    let (help, _) = said(&["--help"], &[], "");
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty());
    let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(String::from)
        .collect()
}

/// The long flags that the help of a command lists, without `--help` itself.
fn flags(command: &str) -> Vec<String> {
    let (help, _) = said(&[command, "--help"], &[], "");
    let words = help
        .lines()
        .filter(|line| line.trim_start().starts_with('-'));
    let words = words.filter_map(|line| {
        let mut words = line.split_whitespace();
        words.find(|word| word.starts_with("--"))
    });
    let flags = words.map(|word| word.trim_end_matches(',').to_string());
    flags.filter(|flag| flag != "--help").collect()
}

#[test]
fn the_completions_of_bash_are_a_script_and_complete_commands_and_flags() {
    let (script, _) = said(&["completions", "bash"], &[], "");
    let bash = |arguments: &[&str], input: &str| -> Output {
        let mut child = Command::new("bash")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash starts");
        child
            .stdin
            .take()
            .expect("piped")
            .write_all(input.as_bytes())
            .expect("it reads");
        child.wait_with_output().expect("bash ends")
    };
    let read = bash(&["-n"], &script);
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let completed = |words: &str, current: &str, at: usize| -> BTreeSet<String> {
        let asked = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={at}; _dlmc dlmc '{current}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let output = bash(&["--norc", "-s"], &asked);
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines().map(String::from).collect()
    };
    let of = |words: &[&str]| {
        words
            .iter()
            .map(|word| word.to_string())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        completed("dlmc ver", "ver", 1),
        of(&["verify", "verify-passes"])
    );
    assert_eq!(completed("dlmc run --th", "--th", 2), of(&["--threads"]));
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let (script, _) = said(&["completions", shell], &[], "");
        assert!(
            commands().iter().all(|name| script.contains(name.as_str())),
            "{shell}"
        );
    }
    let unknown = dlmc(&["completions", "dash"], &[], "");
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn manual_pages_are_there_for_every_command() {
    let (whole, _) = said(&["man"], &[], "");
    assert!(
        whole.contains(".TH dlmc 1") && whole.contains(".SH SYNOPSIS"),
        "{whole}"
    );
    let folder = std::env::temp_dir().join(format!("dlmc-man-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    said(&["man", "--dir", folder.to_str().expect("text")], &[], "");
    for name in commands() {
        let (page, _) = said(&["man", &name], &[], "");
        for flag in flags(&name) {
            let written = flag.replace('-', "\\-");
            assert!(page.contains(&written), "{name} {flag}\n{page}");
        }
        let kept = std::fs::read_to_string(folder.join(format!("dlmc-{name}.1"))).expect("a page");
        assert_eq!(kept.trim_end(), page.trim_end(), "{name}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    assert_eq!(dlmc(&["man", "nothing"], &[], "").status.code(), Some(2));
}

/// A file with a program that trains; a run without a file has no receipt.
fn training(name: &str) -> String {
    let file = format!("dlmc-surface-{}-{name}.dlm", std::process::id());
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, TRAINING).expect("a program");
    path.to_str().expect("text").to_string()
}

#[test]
fn a_bad_value_of_a_variable_ends_with_2_and_names_it() {
    let program = training("bad");
    let folder = std::env::temp_dir().join("dlmc-no-such-folder");
    let missing = folder.join("file");
    let missing = missing.to_str().expect("text");
    let bad = |flag: &str| match flag {
        "--log" | "--report" | "--receipt" => missing.to_string(),
        "--checkpoint" | "--tensorboard" => "/dev/null/folder".into(),
        _ => "no such value".into(),
    };
    let mut seen = 0;
    for flag in flags("run") {
        let name = format!(
            "DLMC_{}",
            flag.trim_start_matches('-')
                .replace('-', "_")
                .to_uppercase()
        );
        let value = bad(&flag);
        let output = dlmc(&["run", &program], &[(&name, &value)], "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}={value}\n{error}");
        assert!(
            error.contains(&name) || error.contains(&value),
            "{name}={value}\n{error}"
        );
        if value.starts_with("no") {
            assert!(error.contains(&name), "{name}\n{error}");
        }
        seen += 1;
    }
    assert!(seen >= 15, "{seen}");
    std::fs::remove_file(&program).expect("the program goes");
}

#[test]
fn variables_do_what_their_flags_do() {
    let program = training("twins");
    let folder = std::env::temp_dir().join(format!("dlmc-variables-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let at = |name: &str| folder.join(name).to_str().expect("text").to_string();
    let run = |variables: &[(&str, &str)]| said(&["run", &program], variables, "");
    let (plain, silent) = run(&[]);
    assert_eq!(silent, "");
    // The same bits as with the flag, and others than without it.
    assert_eq!(
        run(&[("DLMC_SEED", "7")]),
        said(&["run", &program, "--seed", "7"], &[], "")
    );
    assert_ne!(run(&[("DLMC_SEED", "7")]).0, plain);
    assert_eq!(
        said(&["run", &program, "--seed", "0"], &[("DLMC_SEED", "7")], "").0,
        plain
    );
    for name in ["DLMC_THREADS", "DLMC_EVERY", "DLMC_MAX_PARAMS"] {
        assert_eq!(run(&[(name, "")]).0, plain, "an empty variable is none");
    }
    assert!(run(&[("DLMC_PROGRESS", "1")]).1.contains("epoch 2/2"));
    let (_, kept) = said(
        &["run", &program, "--progress"],
        &[("DLMC_QUIET", "yes")],
        "",
    );
    assert!(
        kept.contains("epoch 2/2"),
        "a flag that is given comes first"
    );
    let both = [("DLMC_PROGRESS", "1"), ("DLMC_QUIET", "yes")];
    assert_eq!(dlmc(&["run", &program], &both, "").status.code(), Some(2));
    assert!(run(&[("DLMC_TIME", "on")]).1.contains("compil"));
    assert!(!run(&[("DLMC_VERBOSE", "true")]).1.is_empty());
    assert!(!run(&[("DLMC_SKIP", "fuse, cse")]).0.is_empty());
    for (name, value, written) in [
        ("DLMC_LOG", at("run.jsonl"), at("run.jsonl")),
        ("DLMC_REPORT", at("run.html"), at("run.html")),
        ("DLMC_RECEIPT", at("receipt"), at("receipt")),
        ("DLMC_TENSORBOARD", at("board"), at("board")),
        ("DLMC_CHECKPOINT", at("kept"), at("kept")),
    ] {
        run(&[(name, &value)]);
        assert!(Path::new(&written).exists(), "{name}");
    }
    for (name, value) in [("DLMC_MAX_PARAMS", "2"), ("DLMC_MAX_MEMORY", "8")] {
        let output = dlmc(&["run", &program], &[(name, value)], "");
        assert_eq!(output.status.code(), Some(1), "{name}");
    }
    // A flag that `run` has not is read by its own command.
    let own = [("DLMC_DATA_JSON", "1"), ("DLMC_EMIT_STAGE", "tokens")];
    let table = dlmc(&["data", "examples/data/iris.csv"], &own, "");
    assert_eq!(table.stdout.first(), Some(&b'{'));
    let tokens = dlmc(&["emit", "-"], &own, "print 1\n");
    assert!(tokens.status.success());
    let coloured = dlmc(
        &["check", "-"],
        &[("DLMC_COLOR", "always")],
        "print nothing\n",
    );
    assert!(String::from_utf8_lossy(&coloured.stderr).contains('\u{1b}'));
    std::fs::remove_file(&program).expect("the program goes");
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

#[test]
fn the_document_lists_the_flags_of_every_command_and_no_others() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command_line.md");
    let document = std::fs::read_to_string(&path).expect("the document");
    let mut all = BTreeSet::from(["--help".to_string(), "--version".to_string()]);
    let mut table = String::from("| command | flags |\n|---|---|\n");
    for name in commands() {
        let flags = flags(&name);
        let cells: Vec<String> = flags.iter().map(|flag| format!("`{flag}`")).collect();
        let cells = if cells.is_empty() {
            "none".into()
        } else {
            cells.join(" ")
        };
        table += &format!("| `{name}` | {cells} |\n");
        all.extend(flags);
        let named = document.contains(&format!("`dlmc {name}`"))
            || document.contains(&format!("`dlmc {name} "));
        assert!(named, "`dlmc {name}` is not in the first table");
    }
    let (before, rest) = document.split_once("## Flags\n").expect("the heading");
    let (_, after) = rest.split_once("\n## ").expect("a heading behind it");
    if std::env::var_os("DLMC_BLESS").is_some() {
        let new = format!("{before}## Flags\n\n{table}\n## {after}");
        std::fs::write(&path, new).expect("written");
    } else {
        assert!(rest.contains(&table), "DLMC_BLESS=1 writes this:\n{table}");
    }
    let parts = document.split("--").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphabetic() && c != '-')?;
        rest.get(..end)
            .filter(|name| !name.starts_with('-') && !name.is_empty())
    });
    for name in parts {
        assert!(
            all.contains(&format!("--{name}")),
            "no command has --{name}"
        );
    }
}

#[test]
fn the_command_that_was_meant_is_named() {
    let folder = std::env::temp_dir().join(format!("dlmc-meant-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("model.dlm"), "print 1\n").expect("written");
    let wrong = folder.join("modle.dlm").display().to_string();
    let cases: [(&[&str], &str); 5] = [
        (&["model.dlm"], "'dlmc run model.dlm'"),
        (&["train", "model.dlm"], "'dlmc run FILE'"),
        (&["version"], "'dlmc --version'"),
        (&["run", "model.dlm", "--lr", "0.1"], "'lr=0.1'"),
        (&["run", &wrong], "model.dlm\"?"),
    ];
    for (arguments, wanted) in cases {
        let output = dlmc(arguments, &[], "");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{err}");
        assert!(err.contains(wanted), "{arguments:?}\n{err}");
        assert!(!err.contains("as a value"), "{arguments:?}\n{err}");
    }
    // A flag that is nearly one is told as before.
    let output = dlmc(&["run", "model.dlm", "--thread", "2"], &[], "");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("'--threads'"), "{err}");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn every_line_for_other_programs_is_an_object() {
    let folder = Folder::new("forms");
    folder.write("m.dlm", TRAINING);
    folder.write("wrong.dlm", "print 1\nprint accuracy\n");
    let cases: &[(&[&str], i32, &str, &str)] = &[
        (&["run", "m.dlm", "--progress"], 0, "note", "epoch"),
        (&["run", "m.dlm", "--verbose"], 0, "note", "parameters"),
        (
            &["run", "m.dlm", "--checkpoint", "kept", "--resume"],
            0,
            "note",
            "no checkpoint yet",
        ),
        (&["run", "wrong.dlm"], 1, "error", "function"),
        (&["run", "missing.dlm"], 2, "error", "missing.dlm"),
        (
            &["check", "m.dlm", "--max-params", "1"],
            1,
            "error",
            "--max-params",
        ),
        (
            &["graph", "m.dlm", "--output", "picture.png"],
            2,
            "error",
            "picture.png",
        ),
        (
            &["fmt", "--check", "wrong.dlm", "missing.dlm"],
            2,
            "error",
            "missing.dlm",
        ),
        (&["verify", "missing.dlm"], 2, "error", "missing.dlm"),
        (&["data", "missing.dlm"], 2, "error", "missing.dlm"),
        (&["explain-error", "E9999"], 2, "error", "E9999"),
        (
            &[
                "predict",
                "m.dlm",
                "--weights",
                "missing.dlm",
                "--input",
                "missing.dlm",
            ],
            2,
            "error",
            "missing.dlm",
        ),
    ];
    for (arguments, code, severity, word) in cases {
        let all: Vec<&str> = arguments
            .iter()
            .copied()
            .chain(["--message-format", "json"])
            .collect();
        let (_, err) = folder.run(*code, &all);
        let read = |line: &str| -> serde_json::Value {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{all:?}: {error}: {line}"))
        };
        let found = err.lines().map(read).any(|message| {
            let said = message["message"].as_str().expect("a sentence");
            message["severity"] == *severity && said.contains(word)
        });
        assert!(found, "{all:?}: {err}");
    }
}
