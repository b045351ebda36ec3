//! `dlmc fmt`: programs with their blanks in order, written back, or with `--check` compared only.
use super::output::Output;
use super::{Appearance, Failure, read_source, say_count};
use crate::base::source::Sources;
use crate::data::whole;
use crate::session::Source;
use crate::syntax::{FormatError, format_source};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Lines of a difference that are shown of one file.
const MOST_LINES: usize = 60;
/// Equal lines that are shown around those that differ.
const CONTEXT: usize = 2;

/// What is asked.
pub struct Request<'a> {
    /// Files, folders and `-`.
    pub paths: &'a [String],
    /// Whether nothing is to be written.
    pub check: bool,
    /// How messages and differences look.
    pub appearance: Appearance,
}

/// Formats the files one after the other; what is wrong with one does not stop the others.
pub fn fmt(request: &Request<'_>) -> Result<(), Failure> {
    let output = Output::new(request.appearance);
    let mut worst = Ok(());
    let mut seen = BTreeSet::new();
    for path in request.paths {
        let found = programs(path, &output);
        worst = worse(worst, found.outcome);
        for file in found.files {
            if seen.insert(file.clone()) {
                let outcome = one(&file, request, &output);
                if outcome == Err(Failure::Closed) {
                    return outcome;
                }
                worst = worse(worst, outcome);
            }
        }
    }
    worst
}

/// A wrong command weighs more than a wrong program.
fn worse(left: Result<(), Failure>, right: Result<(), Failure>) -> Result<(), Failure> {
    match (left, right) {
        (Err(Failure::Usage), _) | (_, Ok(())) => left,
        (_, Err(Failure::Usage)) | (Ok(()), _) => right,
        (Err(_), Err(_)) => left,
    }
}

struct Found {
    files: Vec<String>,
    outcome: Result<(), Failure>,
}

/// The file itself, or the `.dlm` files of a folder, by name.
fn programs(path: &str, output: &Output) -> Found {
    if path == "-" || !Path::new(path).is_dir() {
        return Found {
            files: vec![path.to_string()],
            outcome: Ok(()),
        };
    }
    let mut found = Found {
        files: Vec::new(),
        outcome: Ok(()),
    };
    let mut folders = vec![PathBuf::from(path)];
    while let Some(folder) = folders.pop() {
        if let Err(error) = walk(&folder, &mut folders, &mut found.files) {
            let name = folder.display();
            output.say(&format!("error: \"{name}\" cannot be read: {error}\n"));
            found.outcome = Err(Failure::Usage);
        }
    }
    found.files.sort();
    if found.files.is_empty() && found.outcome.is_ok() {
        output.say(&format!("warning: \"{path}\" holds no .dlm file\n"));
    }
    found
}

/// Adds what stands in a folder. Hidden folders and links to folders are passed over.
fn walk(folder: &Path, folders: &mut Vec<PathBuf>, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() {
            if !hidden {
                folders.push(path);
            }
        } else if path.extension().is_some_and(|ending| ending == "dlm") && path.is_file() {
            let name = path.into_os_string().into_string().map_err(|name| {
                let name = name.to_string_lossy();
                std::io::Error::other(format!("the name {name:?} in it is not UTF-8"))
            })?;
            files.push(name);
        }
    }
    Ok(())
}

fn one(path: &str, request: &Request<'_>, output: &Output) -> Result<(), Failure> {
    let source = read_source(path, output)?;
    let formatted = format_source(&source.text).map_err(|error| {
        say_wrong(&source, &error, output);
        Failure::Program
    })?;
    match (formatted == source.text, request.check) {
        (true, true) => Ok(()),
        (false, true) => {
            let coloured = Output::result_colours(request.appearance.color);
            let difference = difference(&source.text, &formatted, coloured);
            output.line(&format!("{}\n{difference}", source.name))?;
            Err(Failure::Program)
        }
        (_, false) if path == "-" => write_out(&formatted, output),
        (true, false) => Ok(()),
        (false, false) => match whole::rewrite(Path::new(path), &[formatted.as_bytes()]) {
            Ok(()) => {
                output.say(&format!("formatted {path}\n"));
                Ok(())
            }
            Err(error) => {
                output.say(&format!("error: \"{path}\" cannot be written: {error}\n"));
                Err(Failure::Usage)
            }
        },
    }
}

fn write_out(text: &str, output: &Output) -> Result<(), Failure> {
    // `line` ends with the newline that the text has already, if it is not empty.
    match text.strip_suffix('\n') {
        Some(text) => output.line(text),
        None => Ok(()),
    }
}

fn say_wrong(source: &Source, error: &FormatError, output: &Output) {
    match error {
        FormatError::Program(diagnostics) => {
            let mut sources = Sources::default();
            sources.add(source.name.as_str(), source.text.as_str());
            for diagnostic in diagnostics {
                output.diagnostic(diagnostic, &sources);
            }
            say_count(diagnostics, output);
        }
        FormatError::Formatter(what) => output.say(&format!(
            "error: \"{}\" is left as it is: formatted it would be another program: {what}\n",
            source.name
        )),
    }
}

/// A line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change<'a> {
    Same(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// The lines of two texts side by side. Formatting keeps each line that holds something, so they are met in order.
fn changes<'a>(old: &'a str, new: &'a str) -> Vec<Change<'a>> {
    let mut result = Vec::new();
    let mut new = new.lines().peekable();
    let mut added = Vec::new();
    for line in old.split_terminator('\n') {
        let empty = line
            .trim_matches(|c: char| c.is_whitespace() || c == ';' || c == '\u{feff}')
            .is_empty();
        match new.peek() {
            Some(&next) if next == line => {
                result.append(&mut added);
                result.push(Change::Same(line));
                new.next();
            }
            Some(&next) if empty != next.is_empty() => result.push(Change::Old(line)),
            Some(&next) => {
                result.push(Change::Old(line));
                added.push(Change::New(next));
                new.next();
            }
            None => result.push(Change::Old(line)),
        }
    }
    result.append(&mut added);
    result.extend(new.map(Change::New));
    result
}

/// The lines that differ, with some around them, each place with the number of its first line.
fn difference(old: &str, new: &str, coloured: bool) -> String {
    let changes = changes(old, new);
    let near = |at: usize| {
        let from = at.saturating_sub(CONTEXT);
        let to = (at + CONTEXT + 1).min(changes.len());
        changes
            .get(from..to)
            .is_some_and(|around| around.iter().any(|c| !matches!(c, Change::Same(_))))
    };
    let mut lines: Vec<String> = Vec::new();
    let mut number = 1;
    let mut shown = false;
    for (at, change) in changes.iter().enumerate() {
        let show = near(at);
        if show && !shown {
            lines.push(paint(&format!("@@ line {number} @@"), "36", coloured));
        }
        shown = show;
        if show {
            lines.push(match change {
                Change::Same(line) => format!(" {line}"),
                Change::Old(line) => paint(&format!("-{}", visible(line)), "31", coloured),
                Change::New(line) => paint(&format!("+{line}"), "32", coloured),
            });
        }
        number += usize::from(!matches!(change, Change::New(_)));
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if more > 0 {
        lines.push(format!("... and {more} lines more"));
    } else if lines.is_empty() {
        // All lines are the same.
        lines.push("the last line does not end in a newline".into());
    }
    lines.join("\n")
}

/// A line with the blanks at its end made visible.
fn visible(line: &str) -> String {
    let kept = line.trim_end();
    let end = line.get(kept.len()..).unwrap_or("");
    let shown = end.chars().map(|blank| match blank {
        ' ' => "\u{b7}".to_string(),
        other => other.escape_debug().to_string(),
    });
    std::iter::once(kept.to_string()).chain(shown).collect()
}

fn paint(text: &str, colour: &str, coloured: bool) -> String {
    if coloured {
        format!("\x1b[{colour}m{text}\x1b[0m")
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_show_what_changes() {
        let old = "let a = 1\n\n\n;\nlet b=2  \nlet c = 3\nprint a\nprint b\nprint c\n";
        let new = format_source(old).expect("it parses");
        let shown = difference(old, &new, false);
        let expected =
            "@@ line 1 @@\n let a = 1\n \n-\n-;\n-let b=2··\n+let b = 2\n let c = 3\n print a";
        assert_eq!(shown, expected);
        let coloured = difference("a\r\n", "a\n", true);
        let expected = "\x1b[36m@@ line 1 @@\x1b[0m\n\x1b[31m-a\\r\x1b[0m\n\x1b[32m+a\x1b[0m";
        assert_eq!(coloured, expected);
        assert!(difference("a", "a\n", false).contains("newline"));
    }

    #[test]
    fn a_wrong_command_weighs_more() {
        let (usage, program) = (Err(Failure::Usage), Err(Failure::Program));
        assert_eq!(worse(program, usage), usage);
        assert_eq!(worse(usage, program), usage);
        assert_eq!(worse(Ok(()), program), program);
        assert_eq!(worse(program, Ok(())), program);
    }
}
