//! The one way to write `.dlm`: [`format_source`] gives a program with its blanks, indentation and empty lines put in order.
//!
//! It works on tokens, not on the tree, and keeps the author's line breaks: so no comment can get lost, and nothing moves to another line. What it
//! gives was read again and compared with the original before anybody sees it.
mod align;
mod indent;
mod lines;
mod space;

use super::parse::parse;
use super::token::{MOST_BYTES, Token, tokens};
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::{FileId, Sources};
use align::{align_comments, align_values};
use lines::Line;

/// Blanks of one level of nesting.
const STEP: usize = 4;

/// Why a text was not formatted.
#[derive(Debug, Clone, PartialEq)]
pub enum FormatError {
    /// It is no program. Positions are those of the text, as file 0.
    Program(Vec<Diagnostic>),
    /// The formatted text would not be the same program, or too long to be one. Only a mistake of the formatter's, or a text of millions of lines
    /// within deep brackets, can bring this about.
    Formatter(String),
}

/// The program with its blanks in order. Tokens, comments and line breaks stay as they are; formatting the result changes nothing.
///
/// # Errors
/// [`FormatError::Program`] where the text does not parse.
pub fn format_source(text: &str) -> Result<String, FormatError> {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    let (_, diagnostics) = parse(&sources, file);
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Err(FormatError::Program(diagnostics));
    }
    let formatted = laid_out(&lines::lines(text)).map_err(FormatError::Formatter)?;
    match difference(text, &formatted) {
        None => Ok(formatted),
        Some(what) => Err(FormatError::Formatter(what)),
    }
}

/// A line with its blanks, as far as it is known.
struct Row<'a> {
    indent: usize,
    code: String,
    /// A comment after the code, or alone in its line.
    comment: Option<&'a str>,
    /// Where the `=` stands in `code`, of lines whose `=` stand below each other.
    value: Option<indent::Value>,
}

fn laid_out(lines: &[Line<'_>]) -> Result<String, String> {
    let places = indent::places(lines);
    let blank = kept_blanks(lines);
    let mut rows: Vec<Option<Row<'_>>> = Vec::with_capacity(lines.len());
    for ((line, place), keep) in lines.iter().zip(places).zip(blank) {
        match (line.is_blank(), keep) {
            (true, false) => {}
            (true, true) => rows.push(None),
            (false, _) => {
                let (code, value) = space::code(line, place.kind);
                rows.push(Some(Row {
                    indent: place.indent,
                    code,
                    comment: line.comment,
                    value,
                }));
            }
        }
    }
    align_values(&mut rows);
    let gaps = align_comments(&rows);
    let mut text = String::new();
    for (row, gap) in rows.iter().zip(gaps) {
        if let Some(row) = row {
            text.extend(std::iter::repeat_n(' ', row.indent));
            text.push_str(&row.code);
            text.extend(std::iter::repeat_n(' ', gap));
            text.push_str(row.comment.unwrap_or(""));
        }
        text.push('\n');
        if text.len() > MOST_BYTES {
            return Err(format!("the text would have more than {MOST_BYTES} bytes"));
        }
    }
    Ok(text)
}

/// Of each line whether it is an empty line that stays: one between two others, but none next to the bracket that opens or closes a block.
fn kept_blanks(lines: &[Line<'_>]) -> Vec<bool> {
    let mut keep = vec![false; lines.len()];
    let mut before: Option<&Line<'_>> = None;
    let mut pending = None;
    for (at, line) in lines.iter().enumerate() {
        if line.is_blank() {
            pending.get_or_insert(at);
            continue;
        }
        if let (Some(blank), Some(before)) = (pending.take(), before)
            && !before.ends_open()
            && !line.starts_closing()
            && let Some(keep) = keep.get_mut(blank)
        {
            *keep = true;
        }
        before = Some(line);
    }
    keep
}

/// What differs between two programs other than blanks; nothing if all is well.
fn difference(before: &str, after: &str) -> Option<String> {
    let meaning = |text| {
        let found = tokens(text, FileId(0));
        let stream: Vec<Token<'_>> = found
            .stream
            .into_iter()
            .map(|(_, token, _)| match token {
                Token::Doc(text) => Token::Doc(lines::without_end(text)),
                other => other,
            })
            .collect();
        (stream, found.diagnostics.is_empty())
    };
    let ((old, _), (new, sound)) = (meaning(before), meaning(after));
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    if !sound || same < old.len().max(new.len()) {
        let show = |stream: &[Token<'_>]| {
            stream
                .get(same)
                .map_or("the end".into(), |token| token.to_string())
        };
        return Some(format!(
            "token {same} would become {} in place of {}",
            show(&new),
            show(&old)
        ));
    }
    let comments = |text| {
        let lines: Vec<Line<'_>> = lines::lines(text);
        lines
            .iter()
            .filter_map(|line| line.comment.map(String::from))
            .collect::<Vec<String>>()
    };
    (comments(before) != comments(after)).then(|| "a comment would get lost".into())
}

#[cfg(test)]
mod tests;
