//! Numbers and strings, with what is wrong in them.
use super::ast::{ExprKind, Format, StrPart};
use super::parse::expression_at;
use super::token::MOST_ERRORS;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Span};
use std::cell::RefCell;
use std::sync::Arc;

/// Where the actions of the grammar put what they find wrong.
#[derive(Debug)]
pub struct Log {
    file: FileId,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl Log {
    /// An empty log for one file.
    pub fn new(file: FileId) -> Log {
        Log {
            file,
            diagnostics: RefCell::default(),
        }
    }

    /// The bytes `start..end` of the file.
    pub fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    /// Adds a diagnostic. Those beyond what is ever shown are left out; one more tells that there were more.
    pub fn add(&self, diagnostic: Diagnostic) {
        let mut diagnostics = self.diagnostics.borrow_mut();
        if diagnostics.len() <= MOST_ERRORS {
            diagnostics.push(diagnostic);
        }
    }

    /// What was added.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics.into_inner()
    }

    fn literal(&self, start: usize, end: usize, message: impl Into<String>, help: &str) {
        let span = self.span(start, end);
        self.add(Diagnostic::error("E0109", span, message).help(help));
    }
}

/// The text of `##` lines, without the marks.
pub fn documentation(lines: &[&str]) -> Option<String> {
    let text: Vec<&str> = lines
        .iter()
        .map(|line| line.trim_start_matches('#').trim_end())
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    (!text.is_empty()).then(|| text.join("\n"))
}

/// A number whose first digit stands at `start`.
pub fn number(text: &str, start: usize, log: &Log) -> ExprKind {
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    let end = start + text.len();
    if !digits.contains(['.', 'e', 'E']) {
        return digits.parse().map(ExprKind::Int).unwrap_or_else(|_| {
            log.literal(
                start,
                end,
                format!("the integer {text} is too large"),
                "write a number with a point or an exponent, `1e20`, for a float",
            );
            ExprKind::Error
        });
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => ExprKind::Float(value),
        Ok(_) | Err(_) => {
            log.literal(
                start,
                end,
                format!("the number {text} is too large"),
                "the largest is about 1.8e308",
            );
            ExprKind::Error
        }
    }
}

/// What stands between the quotes.
fn inner(quoted: &str) -> &str {
    quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default()
}

/// The text of a string without interpolation, as `import` has it; `start` is where its opening quote stands.
pub fn plain_string(quoted: &str, start: usize, log: &Log) -> Arc<str> {
    unescaped(inner(quoted), start + 1, log).into()
}

/// The text with its escapes resolved; `start` is where it stands.
fn unescaped(text: &str, start: usize, log: &Log) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        let next = if c == '\\' { characters.next() } else { None };
        match next {
            Some((_, 'n')) => result.push('\n'),
            Some((_, 't')) => result.push('\t'),
            Some((_, quoted @ ('\\' | '"'))) => result.push(quoted),
            Some((_, other)) => {
                let end = start + at + 1 + other.len_utf8();
                let message = format!("`\\{other}` is no escape");
                log.literal(
                    start + at,
                    end,
                    message,
                    "the escapes are `\\n`, `\\t`, `\\\"` and `\\\\`",
                );
            }
            None => result.push(c),
        }
    }
    result
}

/// A string with its interpolations; `start` is where its opening quote stands.
pub fn string(quoted: &str, start: usize, log: &Log) -> ExprKind {
    let text = inner(quoted);
    let mut parts = Vec::new();
    let mut pending = String::new();
    let mut failed = false;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let place = start + 1 + at;
        if let Some(doubled) = ["{{", "}}"].iter().find(|mark| rest.starts_with(**mark)) {
            pending.push_str(&doubled[1..]);
            at += 2;
        } else if rest.starts_with('{') {
            let Some(length) = rest.find('}') else {
                log.literal(
                    place,
                    place + 1,
                    "this `{` is not closed in the string",
                    "add `}` after the value, or write `{{` for a brace",
                );
                return ExprKind::Error;
            };
            if !pending.is_empty() {
                parts.push(StrPart::Text(std::mem::take(&mut pending)));
            }
            let value = rest.get(1..length).unwrap_or_default();
            match interpolation(value, place + 1, log) {
                Some(part) => parts.push(part),
                None => failed = true,
            }
            at += length + 1;
        } else if rest.starts_with('}') {
            log.literal(
                place,
                place + 1,
                "no `{` is open in the string",
                "write `}}` for a brace",
            );
            failed = true;
            at += 1;
        } else {
            let length = plain_length(rest);
            pending.push_str(&unescaped(&rest[..length], place, log));
            at += length;
        }
    }
    if !pending.is_empty() || parts.is_empty() {
        parts.push(StrPart::Text(pending));
    }
    match failed {
        true => ExprKind::Error,
        false => ExprKind::Str(parts),
    }
}

/// How far a text goes on without a brace; an escape is not cut. At least one character.
fn plain_length(text: &str) -> usize {
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '{' | '}' => return at,
            '\\' => drop(characters.next()),
            _ => {}
        }
    }
    text.len()
}

/// `value` or `value:format` between braces.
fn interpolation(text: &str, start: usize, log: &Log) -> Option<StrPart> {
    let end = start + text.len();
    if text.trim().is_empty() {
        let help = "name a value, or write `{{}}` for braces";
        log.literal(
            start - 1,
            end + 1,
            "nothing stands between these braces",
            help,
        );
        return None;
    }
    let (value, layout) = match format_colon(text) {
        Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
        None => (text, None),
    };
    let format = match layout.map(|layout| (layout, format(layout))) {
        Some((layout, None)) => {
            let message = format!("`{layout}` is no format");
            let help = "a format is a width, a point and digits, and one of f, e, %: `{x:.4}`, `{x:8.3f}`, `{x:.1%}`";
            log.literal(end - layout.len(), end, message, help);
            return None;
        }
        Some((_, format)) => format,
        None => None,
    };
    let (value, diagnostics) = expression_at(value, log.file, start);
    let failed = !diagnostics.is_empty();
    diagnostics.into_iter().for_each(|d| log.add(d));
    (!failed).then_some(StrPart::Value(value, format))
}

/// The colon before a format: the last one outside brackets (inside them it is a slice's).
fn format_colon(text: &str) -> Option<usize> {
    let mut depth = 0i32;
    let mut found = None;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ':' if depth == 0 => found = Some(at),
            _ => {}
        }
    }
    found
}

/// `[width][.precision][style]`, style one of `f`, `e`, `%`.
fn format(text: &str) -> Option<Format> {
    let style = text.chars().last().filter(|c| matches!(c, 'f' | 'e' | '%'));
    let digits = text.strip_suffix(['f', 'e', '%']).unwrap_or(text);
    let (width, precision) = match digits.split_once('.') {
        Some((width, precision)) => (width, Some(small(precision)?)),
        None => (digits, None),
    };
    let width = match width {
        "" => None,
        width => Some(small(width)?),
    };
    (width.is_some() || precision.is_some() || style.is_some()).then_some(Format {
        precision,
        style,
        width,
    })
}

/// A count of characters; more than a line of them is a mistake.
fn small(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&n| digits && n <= 200)
}
