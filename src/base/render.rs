//! Diagnostics as text: code and message, then each file's labelled lines with the source, carets below and what is said of each place.
//!
//! ```text
//! error[E0301]: the sizes 784 and 10 differ
//!   --> model.dlm:12:8
//!    |
//! 12 |     x @ W
//!    |     -   ^ [10, 784]
//!    |     |
//!    |     [n, 10]
//!    = help: transpose `W`
//! ```
use super::diagnostic::{Diagnostic, Label, Severity};
use super::source::{FileId, Sources, Span};
use std::fmt::Write;

/// Columns of a tab stop.
const TAB: usize = 4;
/// Lines of one label above which its middle is left out.
const MOST_LINES: usize = 6;

/// Escape sequences of a rendering, empty without colour.
struct Paint {
    error: &'static str,
    warning: &'static str,
    frame: &'static str,
    strong: &'static str,
    reset: &'static str,
}

const COLOURED: Paint = Paint {
    error: "\x1b[1;31m",
    warning: "\x1b[1;33m",
    frame: "\x1b[1;34m",
    strong: "\x1b[1m",
    reset: "\x1b[0m",
};

const PLAIN: Paint = Paint {
    error: "",
    warning: "",
    frame: "",
    strong: "",
    reset: "",
};

/// A label within one line, in display columns from 0.
struct Mark<'a> {
    begin: usize,
    end: usize,
    primary: bool,
    text: &'a str,
}

/// A diagnostic as text of several lines, with a line break at the end.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let paint = if colour { &COLOURED } else { &PLAIN };
    let (name, tint) = match diagnostic.severity {
        Severity::Error => ("error", paint.error),
        Severity::Warning => ("warning", paint.warning),
    };
    let mut out = format!(
        "{tint}{name}[{}]{}{}: {}{}\n",
        diagnostic.code, paint.reset, paint.strong, diagnostic.message, paint.reset
    );
    let known = |label: &&Label| is_known(sources, label.span);
    let labels: Vec<&Label> = diagnostic.labels.iter().filter(known).collect();
    let margin = labels
        .iter()
        .map(|label| last_line(sources, label.span).to_string().len())
        .max()
        .unwrap_or(1);
    let mut files: Vec<FileId> = Vec::new();
    for label in &labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    for (at, &file) in files.iter().enumerate() {
        let here: Vec<&Label> = labels
            .iter()
            .copied()
            .filter(|l| l.span.file == file)
            .collect();
        let arrow = if at == 0 { "-->" } else { ":::" };
        let _ = writeln!(
            out,
            "{:margin$}{}{arrow}{} {}",
            "",
            paint.frame,
            paint.reset,
            sources.location(here[0].span)
        );
        snippets(&mut out, sources, &here, labels[0], margin, tint, paint);
    }
    let further = diagnostic
        .help
        .iter()
        .map(|text| ("help", text))
        .chain(diagnostic.notes.iter().map(|text| ("note", text)));
    for (kind, text) in further {
        let indent = " ".repeat(margin + 5 + kind.len());
        let text = text.replace('\n', &format!("\n{indent}"));
        let _ = writeln!(
            out,
            "{:margin$} {}={} {}{kind}{}: {text}",
            "", paint.frame, paint.reset, paint.strong, paint.reset
        );
    }
    out
}

/// A span into an empty or absent text has no place; so has the default one of an empty collection.
fn is_known(sources: &Sources, span: Span) -> bool {
    sources
        .files()
        .get(span.file.0 as usize)
        .is_some_and(|file| {
            span.end as usize <= file.text.len() + 1
                && span.start <= span.end
                && span != Span::default()
        })
}

fn first_line(sources: &Sources, span: Span) -> usize {
    sources.line_column(span).0
}

fn last_line(sources: &Sources, span: Span) -> usize {
    let end = span.end.saturating_sub(1).max(span.start);
    sources
        .line_column(Span {
            start: end,
            end,
            ..span
        })
        .0
}

fn snippets(
    out: &mut String,
    sources: &Sources,
    labels: &[&Label],
    primary: &Label,
    margin: usize,
    tint: &str,
    paint: &Paint,
) {
    let mut lines: Vec<usize> = Vec::new();
    for label in labels {
        let (first, last) = (
            first_line(sources, label.span),
            last_line(sources, label.span),
        );
        let hidden = |line: &usize| {
            last - first >= MOST_LINES && *line >= first + MOST_LINES / 2 && *line + 1 < last
        };
        lines.extend((first..=last).filter(|line| !hidden(line)));
    }
    lines.sort_unstable();
    lines.dedup();
    let bar = format!("{:margin$} {}|{}", "", paint.frame, paint.reset);
    let _ = writeln!(out, "{bar}");
    let text = &sources.file(labels[0].span.file).text;
    let mut before = None;
    for number in lines {
        if before.is_some_and(|before: usize| number > before + 1) {
            let _ = writeln!(out, "{}...{}", paint.frame, paint.reset);
        }
        before = Some(number);
        let (start, line) = line_of(text, number);
        let _ = writeln!(
            out,
            "{}{number:margin$} |{} {}",
            paint.frame,
            paint.reset,
            expand(line)
        );
        let mut marks: Vec<Mark<'_>> = labels
            .iter()
            .filter_map(|label| mark(sources, label, primary, number, start, line))
            .collect();
        marks.sort_by_key(|mark| (mark.begin, mark.end));
        write_marks(out, &bar, &marks, tint, paint);
    }
}

/// What a label marks in a line.
fn mark<'a>(
    sources: &Sources,
    label: &'a Label,
    primary: &Label,
    number: usize,
    start: usize,
    line: &str,
) -> Option<Mark<'a>> {
    let (first, last) = (
        first_line(sources, label.span),
        last_line(sources, label.span),
    );
    if !(first..=last).contains(&number) {
        return None;
    }
    let leading = line.len() - line.trim_start().len();
    let from = if number == first {
        (label.span.start as usize).saturating_sub(start)
    } else {
        leading
    };
    let to = if number == last {
        (label.span.end as usize).saturating_sub(start)
    } else {
        line.len()
    };
    let begin = columns(line.get(..from.min(line.len())).unwrap_or(line));
    let end = columns(line.get(..to.min(line.len())).unwrap_or(line));
    Some(Mark {
        begin,
        end: end.max(begin + 1),
        primary: std::ptr::eq(label, primary),
        text: if number == last { &label.text } else { "" },
    })
}

fn write_marks(out: &mut String, bar: &str, marks: &[Mark<'_>], tint: &str, paint: &Paint) {
    if marks.is_empty() {
        return;
    }
    let width = marks.iter().map(|mark| mark.end).max().unwrap_or(0);
    let mut under: Vec<(char, bool)> = vec![(' ', false); width];
    for pass in [false, true] {
        for mark in marks.iter().filter(|mark| mark.primary == pass) {
            let sign = if pass { '^' } else { '-' };
            under[mark.begin..mark.end].fill((sign, pass));
        }
    }
    let mut line = String::new();
    let mut current = None;
    for (sign, primary) in under {
        let wanted = (sign != ' ').then_some(primary);
        if wanted != current {
            line.push_str(paint.reset);
            line.push_str(match wanted {
                Some(true) => tint,
                Some(false) => paint.frame,
                None => "",
            });
            current = wanted;
        }
        line.push(sign);
    }
    // The rightmost text stands beside its carets, the others hang below theirs.
    let texts: Vec<&Mark<'_>> = marks.iter().filter(|mark| !mark.text.is_empty()).collect();
    let beside = texts.last().filter(|mark| mark.end == width);
    if let Some(mark) = beside {
        let _ = write!(line, " {}", mark.text);
    }
    let _ = writeln!(out, "{bar} {line}{}", paint.reset);
    let hanging = &texts[..texts.len() - usize::from(beside.is_some())];
    for (at, mark) in hanging.iter().enumerate().rev() {
        let lead = |with_bar: bool| {
            let mut lead = String::new();
            let mut column = 0;
            for earlier in &hanging[..if with_bar { at + 1 } else { at }] {
                if earlier.begin >= column {
                    let _ = write!(lead, "{:gap$}|", "", gap = earlier.begin - column);
                    column = earlier.begin + 1;
                }
            }
            (lead, column)
        };
        if at + 1 == hanging.len() {
            let _ = writeln!(out, "{bar} {}{}{}", paint.frame, lead(true).0, paint.reset);
        }
        let (lead, column) = lead(false);
        let gap = mark.begin.saturating_sub(column);
        let colour = if mark.primary { tint } else { paint.frame };
        let _ = writeln!(
            out,
            "{bar} {}{lead}{:gap$}{}{colour}{}{}",
            paint.frame, "", paint.reset, mark.text, paint.reset
        );
    }
}

/// Where a line (from 1) starts, and its text without the line break.
fn line_of(text: &str, number: usize) -> (usize, &str) {
    let mut start = 0;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if at + 1 == number {
            return (start, line.trim_end_matches(['\n', '\r']));
        }
        start += line.len();
    }
    (start, "")
}

/// Tabs as spaces; control characters, which could change the terminal, as U+FFFD.
fn expand(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for character in line.chars() {
        let width = char_columns(character, column);
        match character {
            '\t' => out.extend(std::iter::repeat_n(' ', width)),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
        column += width;
    }
    out
}

fn columns(text: &str) -> usize {
    text.chars().fold(0, |column, character| {
        column + char_columns(character, column)
    })
}

/// Columns of a character in a terminal: none for combining marks, two for wide East Asian characters and emoji.
fn char_columns(character: char, column: usize) -> usize {
    match character as u32 {
        0x09 => TAB - column % TAB,
        0x0300..=0x036F | 0x1AB0..=0x1AFF | 0x20D0..=0x20FF | 0x200B..=0x200F | 0xFE00..=0xFE0F => {
            0
        }
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, labels: &[(&str, &str)], expected: &str) {
        let mut sources = Sources::default();
        let file = sources.add("m.dlm", text);
        let mut places = labels.iter().map(|(part, said)| Label {
            span: {
                let start = text.find(part).expect("the part occurs");
                Span::new(file, start, start + part.len())
            },
            text: said.to_string(),
        });
        let first = places.next().expect("a label");
        let mut diagnostic =
            Diagnostic::error("E0301", first.span, "sizes differ").here(first.text);
        diagnostic.labels.extend(places);
        assert_eq!(
            render(&diagnostic.help("mend it"), &sources, false),
            expected
        );
    }

    #[test]
    fn one_place() {
        check(
            "let a = 1\nlet b = a @ c\n",
            &[("c", "not known")],
            "error[E0301]: sizes differ\n --> m.dlm:2:13\n  |\n2 | let b = a @ c\n  |             ^ not known\n  = help: mend it\n",
        );
    }

    #[test]
    fn two_places_in_a_line_hang_below() {
        check(
            "x @ W + b",
            &[("W", "[10]"), ("x", "[n, 4]")],
            "error[E0301]: sizes differ\n --> m.dlm:1:5\n  |\n1 | x @ W + b\n  | -   ^ [10]\n  | |\n  | [n, 4]\n  = help: mend it\n",
        );
    }

    #[test]
    fn tabs_and_unicode_keep_carets_below_their_text() {
        check(
            "\tθ = 値 + c",
            &[("c", "")],
            "error[E0301]: sizes differ\n --> m.dlm:1:10\n  |\n1 |     θ = 値 + c\n  |              ^\n  = help: mend it\n",
        );
    }

    #[test]
    fn far_lines_are_apart() {
        check(
            "a\nb\nc\nd\n",
            &[("d", "two"), ("a", "one")],
            "error[E0301]: sizes differ\n --> m.dlm:4:1\n  |\n1 | a\n  | - one\n...\n4 | d\n  | ^ two\n  = help: mend it\n",
        );
    }

    #[test]
    fn the_end_of_the_text_and_an_absent_place_are_no_fault() {
        let mut sources = Sources::default();
        let file = sources.add("m.dlm", "a +");
        let end = Diagnostic::error("E0101", Span::new(file, 3, 3), "unexpected end");
        assert!(render(&end, &sources, false).contains("| a +\n  |    ^\n"));
        let nowhere = Diagnostic::error("E0699", Span::default(), "fault");
        assert_eq!(render(&nowhere, &sources, false), "error[E0699]: fault\n");
    }
}
