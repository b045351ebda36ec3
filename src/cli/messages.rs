//! Messages in a form for other programs: JSON, an object a line, or the commands by which GitHub's runners annotate a change.
//!
//! Both carry what the text does: severity, code, sentence, labelled places, mend and further facts. What is said without a place is
//! written the same way everywhere, `error: sentence`, then lines `help: mend` and `note: fact`, and is read back here, so that each place
//! that says something says it once.
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::Sources;
use clap::ValueEnum;
use serde_json::{Value, json};

/// The form of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people, with the lines of source
    #[default]
    Text,
    /// An object a line
    Json,
    /// Annotations of a change, for GitHub's runners
    Github,
}

/// A place in a source: lines and columns from 1, columns in characters, `start` and `end` in bytes; the end is behind the last.
#[derive(Debug, PartialEq)]
struct Place {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start: u32,
    end: u32,
    text: String,
}

/// What is said, with its places found.
#[derive(Debug, PartialEq)]
pub struct Message {
    /// `error`, `warning` or `note`.
    severity: &'static str,
    code: Option<&'static str>,
    message: String,
    places: Vec<Place>,
    help: Option<String>,
    notes: Vec<String>,
}

impl Message {
    /// A diagnostic. Labels of no known source are left out.
    pub fn new(diagnostic: &Diagnostic, sources: &Sources) -> Message {
        let known = diagnostic
            .labels
            .iter()
            .filter(|label| (label.span.file.0 as usize) < sources.files().len());
        let places = known.map(|label| {
            let span = label.span;
            let part = sources.part(span);
            let (line, column) = sources.line_column(span);
            let (end_line, end_column) = sources.line_column(span.behind());
            Place {
                file: part.name.to_string(),
                line,
                column,
                end_line,
                end_column,
                start: span.start - part.start,
                end: span.end.saturating_sub(part.start),
                text: label.text.clone(),
            }
        });
        Message {
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: Some(diagnostic.code),
            message: diagnostic.message.clone(),
            places: places.collect(),
            help: diagnostic.help.clone(),
            notes: diagnostic.notes.clone(),
        }
    }

    /// What is said without a place; each `error:` and `warning:` begins a message, and what begins with neither is a note.
    pub fn said(text: &str) -> Vec<Message> {
        let mut found: Vec<Message> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let begun = [("error: ", "error"), ("warning: ", "warning")]
                .into_iter()
                .find_map(|(prefix, severity)| Some((severity, line.strip_prefix(prefix)?)));
            match (begun, found.last_mut()) {
                (Some((severity, message)), _) => found.push(Message::plain(severity, message)),
                (None, None) => {
                    let message = line.strip_prefix("note: ").unwrap_or(line);
                    found.push(Message::plain("note", message));
                }
                (None, Some(last)) => last.go_on(line),
            }
        }
        found
    }

    fn plain(severity: &'static str, message: &str) -> Message {
        Message {
            severity,
            code: None,
            message: message.to_string(),
            places: Vec::new(),
            help: None,
            notes: Vec::new(),
        }
    }

    /// Takes a further line.
    fn go_on(&mut self, line: &str) {
        if let Some(note) = line.strip_prefix("note: ") {
            self.notes.push(note.to_string());
        } else if let (None, Some(help)) = (&self.help, line.strip_prefix("help: ")) {
            self.help = Some(help.to_string());
        } else {
            self.message.push('\n');
            self.message.push_str(line);
        }
    }

    /// Whether it is neither an error nor a warning.
    fn is_note(&self) -> bool {
        self.severity == "note"
    }

    /// An object in one line, which ends with a newline.
    pub fn json(&self) -> String {
        let places: Vec<Value> = self.places.iter().map(Place::json).collect();
        let mut object = json!({
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "places": places,
            "help": self.help,
            "notes": self.notes,
        });
        if let Some(fields) = object.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        format!("{object}\n")
    }

    /// A command that annotates the first place, and holds what is said of the others. A note is no annotation, but a line of the log.
    pub fn github(&self) -> String {
        if self.is_note() {
            return format!("{}\n", self.message);
        }
        let mut properties: Vec<String> = Vec::new();
        let mut text = self.message.clone();
        if let Some(place) = self.places.first() {
            properties.push(format!("file={}", property(&place.file)));
            properties.push(format!("line={},endLine={}", place.line, place.end_line));
            // Columns are shown within a line only.
            if place.line == place.end_line {
                properties.push(format!(
                    "col={},endColumn={}",
                    place.column, place.end_column
                ));
            }
            if !place.text.is_empty() {
                text += &format!(" ({})", place.text);
            }
        }
        if let Some(code) = self.code {
            properties.push(format!("title={}", property(code)));
        }
        for place in self.places.iter().skip(1) {
            let Place {
                file,
                line,
                column,
                text: what,
                ..
            } = place;
            text += &format!("\n{file}:{line}:{column}: {what}");
        }
        let help = self.help.iter().map(|help| format!("\nhelp: {help}"));
        let notes = self.notes.iter().map(|note| format!("\nnote: {note}"));
        text.extend(help.chain(notes));
        let properties = properties.join(",");
        let gap = if properties.is_empty() { "" } else { " " };
        format!("::{}{gap}{properties}::{}\n", self.severity, data(&text))
    }
}

impl Place {
    fn json(&self) -> Value {
        json!({
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "start": self.start,
            "end": self.end,
            "text": self.text,
        })
    }
}

/// The text of a command, whose lines are escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a command, in which colons and commas are escaped too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::{FileId, Span};

    fn example() -> (Diagnostic, Sources) {
        let mut sources = Sources::default();
        let first = sources.add("a,b.dlm", "let θ = [1, 2]\nlet b = θ\n");
        let second = sources.add("std/losses.dlm", "fn mse(p, q) {\n    p - q\n}\n");
        let diagnostic = Diagnostic::error("E0301", Span::new(first, 24, 26), "100 % wrong")
            .here("[2]")
            .label(Span::new(second, 19, 24), "in this subtraction")
            .label(Span::new(FileId(9), 0, 1), "nowhere")
            .help("reshape one of them")
            .note("in `mse`");
        (diagnostic, sources)
    }

    #[test]
    fn json_has_each_fact_and_places_in_characters_and_bytes() {
        let (diagnostic, sources) = example();
        let line = Message::new(&diagnostic, &sources).json();
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let read: Value = serde_json::from_str(&line).expect("JSON");
        let place = |file: &str,
                     line: usize,
                     from: usize,
                     to: usize,
                     bytes: (usize, usize),
                     text: &str| {
            json!({"file": file, "line": line, "column": from, "end_line": line, "end_column": to,
                "start": bytes.0, "end": bytes.1, "text": text})
        };
        assert_eq!(
            read,
            json!({
                "severity": "error",
                "code": "E0301",
                "message": "100 % wrong",
                "places": [
                    place("a,b.dlm", 2, 9, 10, (24, 26), "[2]"),
                    place("std/losses.dlm", 2, 5, 10, (19, 24), "in this subtraction"),
                ],
                "help": "reshape one of them",
                "notes": ["in `mse`"],
            })
        );
    }

    #[test]
    fn an_annotation_is_one_line_whatever_its_texts_hold() {
        let (diagnostic, sources) = example();
        assert_eq!(
            Message::new(&diagnostic, &sources).github(),
            "::error file=a%2Cb.dlm,line=2,endLine=2,col=9,endColumn=10,title=E0301::100 %25 wrong ([2])\
             %0Astd/losses.dlm:2:5: in this subtraction%0Ahelp: reshape one of them%0Anote: in `mse`\n"
        );
        let several = Diagnostic::warning("E0107", Span::new(FileId(0), 0, 20), "two lines\r");
        assert_eq!(
            Message::new(&several, &sources).github(),
            "::warning file=a%2Cb.dlm,line=1,endLine=2,title=E0107::two lines%0D\n"
        );
    }

    #[test]
    fn what_is_said_without_a_place_is_read_back() {
        let github =
            |text: &str| -> String { Message::said(text).iter().map(Message::github).collect() };
        assert_eq!(
            github("error: no room\nhelp: make some\nnote: 3 bytes\nwarning: odd\nstill\n"),
            "::error::no room%0Ahelp: make some%0Anote: 3 bytes\n::warning::odd%0Astill\n"
        );
        assert_eq!(github("note: formatted a.dlm\n"), "formatted a.dlm\n");
        let json: String = Message::said("stopped\nerror: no room\n")
            .iter()
            .map(Message::json)
            .collect();
        let lines: Vec<Value> = json
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(
            lines[0],
            json!({"severity": "note", "message": "stopped", "places": [], "notes": []})
        );
        assert_eq!(
            lines[1],
            json!({"severity": "error", "message": "no room", "places": [], "notes": []})
        );
        assert_eq!(Message::said("\n"), []);
    }
}
