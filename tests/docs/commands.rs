//! Commands that documents show: run, or looked at for options that do not exist.
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::{LazyLock, Mutex};

/// What a command gave.
pub struct Came {
    pub good: bool,
    pub output: String,
    pub errors: String,
}

/// Runs dlmc in a folder.
pub fn dlmc(folder: &Path, arguments: &[String]) -> Came {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlmc"));
    came(command.args(arguments).current_dir(folder))
}

/// Gives the lines of a file to the prompt.
pub fn repl(folder: &Path, inputs: &Path) -> Came {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlmc"));
    let inputs = std::fs::File::open(inputs).expect("the inputs are there");
    came(command.arg("repl").current_dir(folder).stdin(inputs))
}

fn came(command: &mut Command) -> Came {
    let run = command
        .env("NO_COLOR", "1")
        .env("DLMC_HISTORY", "")
        .output()
        .expect("dlmc starts");
    Came {
        good: run.status.success(),
        output: String::from_utf8_lossy(&run.stdout).into_owned(),
        errors: String::from_utf8_lossy(&run.stderr).into_owned(),
    }
}

/// The words of a line up to a comment; double quotes hold a word together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted && words.last().is_some_and(String::is_empty) => break,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().expect("one at least").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The arguments of dlmc where the line calls it, by its name or through cargo.
pub fn call(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    match words.first().map(String::as_str) {
        Some("dlmc") => Some(words[1..].to_vec()),
        Some("cargo") if words.get(1).is_some_and(|word| word == "run") => {
            let at = words.iter().position(|word| word == "--")?;
            Some(words[at + 1..].to_vec())
        }
        _ => None,
    }
}

/// The help of a subcommand, or none where there is no such one.
fn help(subcommand: &str) -> Option<String> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Option<String>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().expect("no thread has panicked");
    let told = known.entry(subcommand.to_string()).or_insert_with(|| {
        let arguments = [subcommand.to_string(), "--help".to_string()];
        let came = dlmc(Path::new("."), &arguments);
        came.good.then_some(came.output)
    });
    told.clone()
}

/// What is wrong with a call that a document shows: a subcommand or an option that does not exist.
pub fn wrong_call(arguments: &[String]) -> Option<String> {
    let subcommand = arguments.first()?;
    let name = |c: char| c.is_ascii_lowercase() || c == '-';
    if !subcommand.chars().all(name) || subcommand.starts_with('-') {
        return None;
    }
    let Some(help) = help(subcommand) else {
        return Some(format!("dlmc has no subcommand {subcommand}"));
    };
    let known: Vec<&str> = help
        .split(|c: char| c.is_whitespace() || ",[]=<".contains(c))
        .collect();
    let options = arguments.iter().filter(|word| word.starts_with('-'));
    let mut names = options.map(|word| word.split('=').next().unwrap_or(word));
    let wrong = names.find(|word| *word != "-" && !known.contains(word))?;
    Some(format!("dlmc {subcommand} has no option {wrong}"))
}
