//! Mistakes that people made in PyTorch, Keras, burn, candle and JAX, with the threads in which they asked: `tests/mistakes/README.md`.
//! Each `tests/mistakes/NAME.dlm` is the same mistake here; it is run as its author would run it, and `NAME.txt` is what is said.
//! `DLMC_BLESS=1 cargo test --test mistakes` writes the expectations anew.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest message, in lines: one screen.
const SCREEN: usize = 22;

/// Words for the inside of the compiler.
const INTERNAL: &[&str] = &[
    "comprehension",
    "slot",
    "segment",
    "elaborat",
    "tensor IR",
    "span",
    "Err(",
    "unwrap",
    "panicked",
    "TensorVal",
    "NodeId",
    "RunError",
    "std::",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes")
}

/// A copy of the programs and their data, since some write files.
struct Copy(PathBuf);

impl Copy {
    fn new(test: &str) -> Copy {
        let name = format!("dlmc-mistakes-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        for entry in std::fs::read_dir(folder()).expect("the folder") {
            let entry = entry.expect("readable");
            std::fs::copy(entry.path(), path.join(entry.file_name())).expect("copied");
        }
        Copy(path)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn programs() -> BTreeSet<String> {
    std::fs::read_dir(folder())
        .expect("the folder")
        .filter_map(|entry| {
            let name = entry.expect("readable").file_name();
            let name = name.to_str().expect("UTF-8");
            name.strip_suffix(".dlm").map(String::from)
        })
        .collect()
}

/// What a run of a program ends with and says, in one of the forms of messages.
fn said(copy: &Copy, name: &str, form: &str) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", &format!("{name}.dlm"), "--message-format", form])
        .current_dir(&copy.0)
        .env_remove("FORCE_COLOR")
        .output()
        .expect("starts");
    let text = String::from_utf8(run.stderr).expect("UTF-8");
    (run.status.code(), text)
}

/// The messages of a run, each with all its lines.
fn messages(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in text.lines() {
        let begins = line.starts_with("error[") || line.starts_with("warning[");
        match all.last_mut() {
            Some(last) if !begins => {
                last.push('\n');
                last.push_str(line);
            }
            _ => all.push(line.into()),
        }
    }
    all
}

/// What is found wrong with each program, on two threads.
fn of_all(one: &(dyn Fn(&String) -> Option<String> + Sync)) -> Vec<String> {
    let programs: Vec<String> = programs().into_iter().collect();
    let half = programs.len().div_ceil(2);
    std::thread::scope(|scope| {
        let halves = programs.chunks(half.max(1));
        let threads: Vec<_> = halves
            .map(|part| scope.spawn(move || part.iter().filter_map(one).collect::<Vec<_>>()))
            .collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results
            .flat_map(|result| result.expect("no assertion fails"))
            .collect()
    })
}

/// Place, reason and mend are there, in the words of the person, on one screen.
fn is_a_good_message(name: &str, message: &str) {
    let head = message.lines().next().unwrap_or_default();
    assert!(
        head.len() > "error[E0000]: ".len(),
        "{name}: no reason\n{message}"
    );
    let first = message
        .lines()
        .find(|line| line.trim_start().starts_with("--> "));
    let place = format!("{name}.dlm:");
    assert!(
        first.is_some_and(|line| line.contains(&place)),
        "{name}: the first place is not in the program\n{message}"
    );
    assert!(message.contains("= help: "), "{name}: no mend\n{message}");
    assert!(
        message.lines().count() <= SCREEN,
        "{name}: too long\n{message}"
    );
    for word in INTERNAL {
        assert!(!message.contains(word), "{name}: {word}\n{message}");
    }
}

#[test]
fn each_mistake_is_told_with_place_reason_and_mend() {
    let copy = Copy::new("text");
    let bless = std::env::var_os("DLMC_BLESS").is_some();
    let one = |name: &String| {
        let (code, text) = said(&copy, name, "text");
        let all = messages(&text);
        assert!(!all.is_empty(), "{name}: nothing is said");
        all.iter()
            .filter(|message| message.starts_with("error[") || message.starts_with("warning["))
            .for_each(|message| is_a_good_message(name, message));
        let wrong = all.iter().any(|message| message.starts_with("error["));
        assert_eq!(code, Some(i32::from(wrong)), "{name}: {text}");
        let expectation = folder().join(format!("{name}.txt"));
        if bless {
            std::fs::write(&expectation, &text).expect("written");
            return None;
        }
        let expected = std::fs::read_to_string(&expectation).unwrap_or_default();
        (expected != text).then(|| format!("{name}:\n{text}"))
    };
    let differing = of_all(&one);
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

/// What a message in JSON holds, as the lines of text that hold it too.
fn facts(message: &Value) -> Vec<String> {
    let string = |field: &str| message[field].as_str().map(String::from);
    let said = string("message").expect("a sentence");
    let head = match string("code") {
        Some(code) => format!(
            "{}[{code}]: {said}",
            string("severity").expect("a severity")
        ),
        None => said,
    };
    let places = message["places"].as_array().expect("a list");
    let first = places.first().map(|place| {
        let file = place["file"].as_str().expect("a file");
        format!(" {file}:{}:{}\n", place["line"], place["column"])
    });
    let labels = places
        .iter()
        .map(|place| place["text"].as_str().expect("a text").to_string());
    let help = string("help").map(|help| format!("= help: {help}\n"));
    let notes = message["notes"].as_array().expect("a list");
    let notes = notes
        .iter()
        .map(|note| format!("= note: {}\n", note.as_str().expect("a text")));
    [head]
        .into_iter()
        .chain(first)
        .chain(labels)
        .chain(help)
        .chain(notes)
        .collect()
}

/// The same as a command for GitHub's runners.
fn annotated(message: &Value) -> Vec<String> {
    let escaped = |text: &Value| {
        let text = text.as_str().expect("a text").replace('%', "%25");
        text.replace('\n', "%0A")
    };
    let severity = message["severity"].as_str().expect("a severity");
    if severity == "note" {
        return vec![format!(
            "{}\n",
            message["message"].as_str().expect("a sentence")
        )];
    }
    let places = message["places"].as_array().expect("a list");
    let first = places.first().map(|place| {
        format!(
            "::{severity} file={},line={},",
            place["file"].as_str().expect("a file"),
            place["line"]
        )
    });
    let code = message["code"]
        .as_str()
        .map(|code| format!(",title={code}::"));
    let texts = places.iter().map(|place| escaped(&place["text"]));
    let help =
        (!message["help"].is_null()).then(|| format!("%0Ahelp: {}", escaped(&message["help"])));
    let notes = message["notes"].as_array().expect("a list");
    let notes = notes
        .iter()
        .map(|note| format!("%0Anote: {}", escaped(note)));
    let head = [escaped(&message["message"])].into_iter();
    head.chain(first)
        .chain(code)
        .chain(texts)
        .chain(help)
        .chain(notes)
        .collect()
}

#[test]
fn forms_for_other_programs_carry_what_the_text_does() {
    let copy = Copy::new("forms");
    let wrong = of_all(&|name| {
        let text =
            std::fs::read_to_string(folder().join(format!("{name}.txt"))).expect("what is said");
        let (code, json) = said(&copy, name, "json");
        let (as_github, github) = said(&copy, name, "github");
        let lines = json.lines().map(serde_json::from_str);
        let all: Vec<Value> = lines.collect::<Result<_, _>>().expect("an object a line");
        let errors = all.iter().filter(|message| message["severity"] == "error");
        let is_error = |line: &&str| line.starts_with("error");
        assert_eq!(
            errors.clone().count(),
            text.lines().filter(is_error).count(),
            "{name}: {json}"
        );
        assert_eq!(code, Some(i32::from(errors.count() > 0)), "{name}: {json}");
        assert_eq!(code, as_github, "{name}: {github}");
        let commands = github.lines().filter(|line| line.starts_with("::"));
        assert_eq!(
            commands.count(),
            all.iter().filter(|m| m["severity"] != "note").count(),
            "{name}: {github}"
        );
        let missing = |facts: Vec<String>, shown: &str| {
            let missing = facts.into_iter().filter(|fact| !shown.contains(fact));
            missing.collect::<Vec<_>>()
        };
        let of_text = all
            .iter()
            .flat_map(|message| missing(facts(message), &text));
        let of_github = all
            .iter()
            .flat_map(|message| missing(annotated(message), &github));
        let missing: Vec<String> = of_text.chain(of_github).collect();
        (!missing.is_empty()).then(|| format!("{name}: {missing:?}\n{text}\n{github}"))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The rows of the table: a program, relative to the folder, and the thread.
fn rows() -> Vec<(String, String)> {
    let table = std::fs::read_to_string(folder().join("README.md")).expect("the table");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        (cells[1].trim_matches('`').to_string(), cells[2].to_string())
    })
    .collect()
}

#[test]
fn the_table_names_every_program_and_its_thread() {
    let rows = rows();
    assert!(rows.len() >= 100, "{} mistakes", rows.len());
    let mut named = BTreeSet::new();
    for (program, thread) in &rows {
        assert!(named.insert(program.clone()), "{program} stands twice");
        let file = folder().join(format!("{program}.dlm"));
        assert!(file.is_file(), "{program} is no program");
        let (repository, number) = thread.split_once('#').expect("a thread");
        assert!(repository.split('/').count() == 2, "{program}: {thread}");
        assert!(number.parse::<u32>().is_ok(), "{program}: {thread}");
    }
    let missing: Vec<_> = programs()
        .into_iter()
        .filter(|name| !named.contains(name))
        .collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}
