//! Diagnostics as text: with the source lines shown (feature `cli`, by annotate-snippets), or one line a fact.
use super::diagnostic::{Diagnostic, Severity};
use super::source::Sources;

/// A diagnostic with its source, with colours where `color` says so, each text on one line. Ends with a newline.
#[cfg(feature = "cli")]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, color: bool) -> String {
    render_within(diagnostic, sources, color, None)
}

/// The fewest columns that texts are broken to, and the most.
#[cfg(feature = "cli")]
const BROKEN: (usize, usize) = (40, 120);

/// A diagnostic as a terminal of so many columns shows it: long texts go on in the next line, long lines of source are cut. Ends with a newline.
#[cfg(feature = "cli")]
pub fn render_within(
    diagnostic: &Diagnostic,
    sources: &Sources,
    color: bool,
    columns: Option<usize>,
) -> String {
    use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let known = diagnostic
        .labels
        .iter()
        .filter(|label| (label.span.file.0 as usize) < sources.files().len());
    let mut shown = Vec::new();
    for label in known {
        let part = (label.span.file, sources.part(label.span));
        if !shown.contains(&part) {
            shown.push(part);
        }
    }
    // Messages hold the user's text: what is no letter there must not steer the terminal.
    let fitted = |text: &str, margin: usize| {
        let text = plain(text);
        match columns {
            Some(columns) => broken(
                &text,
                columns.clamp(BROKEN.0, BROKEN.1).saturating_sub(margin),
            ),
            None => text,
        }
    };
    let message = fitted(&diagnostic.message, "error[E0000]: ".len());
    let texts: Vec<String> = diagnostic.labels.iter().map(|l| plain(&l.text)).collect();
    // Four digits of a line's number, and what stands before a text.
    let margin = "1234 = help: ".len() + 1;
    let help = diagnostic.help.as_deref().map(|help| fitted(help, margin));
    let notes = diagnostic.notes.iter().map(|note| fitted(note, margin));
    let notes: Vec<String> = notes.collect();
    let mut group = level
        .primary_title(&message)
        .id(diagnostic.code)
        .elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
    for (file, part) in shown {
        let mut snippet = Snippet::source(part.text).path(&**part.name);
        for (at, (label, text)) in diagnostic.labels.iter().zip(&texts).enumerate() {
            if label.span.file != file || sources.part(label.span) != part {
                continue;
            }
            let kind = match at {
                0 => AnnotationKind::Primary,
                _ => AnnotationKind::Context,
            };
            let within = |at: u32| at.saturating_sub(part.start) as usize;
            let range = visible_range(part.text, within(label.span.start), within(label.span.end));
            let annotation = kind.span(range);
            snippet = snippet.annotation(match text.is_empty() {
                true => annotation,
                false => annotation.label(text.as_str()),
            });
        }
        group = group.element(snippet);
    }
    group = group.elements(help.iter().map(|help| Level::HELP.message(help.as_str())));
    group = group.elements(notes.iter().map(|note| Level::NOTE.message(note.as_str())));
    let renderer = match color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let renderer = match columns {
        Some(columns) => renderer.term_width(columns.max(BROKEN.0)),
        None => renderer,
    };
    let mut text = renderer.render(&[group]).to_string();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A diagnostic as plain text. Ends with a newline.
#[cfg(not(feature = "cli"))]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, _color: bool) -> String {
    render_plain(diagnostic, sources)
}

/// A diagnostic as plain text, one line a fact: `name:line:column: error[E0107]: message`. Ends with a newline.
pub fn render_plain(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let known =
        |label: &&super::diagnostic::Label| (label.span.file.0 as usize) < sources.files().len();
    let mut labels = diagnostic.labels.iter().filter(known);
    let first = labels.next();
    let place = first.map_or(String::new(), |label| {
        format!("{}: ", sources.location(label.span))
    });
    let mut text = format!(
        "{place}{severity}[{}]: {}",
        diagnostic.code,
        plain(&diagnostic.message)
    );
    if let Some(label) = first.filter(|label| !label.text.is_empty()) {
        text.push_str(&format!(" ({})", plain(&label.text)));
    }
    text.push('\n');
    for label in labels {
        let location = sources.location(label.span);
        text.push_str(&format!("  {location}: {}\n", plain(&label.text)));
    }
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!("  help: {}\n", plain(help)));
    }
    for note in &diagnostic.notes {
        text.push_str(&format!("  note: {}\n", plain(note)));
    }
    text
}

/// A text in lines of at most so many columns, broken between words; code between backticks stays whole where it fits a line.
#[cfg(feature = "cli")]
pub fn broken(text: &str, columns: usize) -> String {
    use unicode_width::UnicodeWidthStr;
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces(text, columns) {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + piece.width() <= columns => {
                line.push(' ');
                line.push_str(piece);
            }
            _ => lines.push(piece.to_string()),
        }
    }
    lines.join("\n")
}

/// The words of a text; several where code holds them, if they fit a line.
#[cfg(feature = "cli")]
fn pieces(text: &str, columns: usize) -> Vec<&str> {
    use unicode_width::UnicodeWidthStr;
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(' ').unwrap_or(rest.len());
        let mut inside = false;
        let whole = rest.find(|c| {
            inside ^= c == '`';
            c == ' ' && !inside
        });
        let whole = whole.unwrap_or(rest.len());
        let fits = rest
            .get(..whole)
            .is_some_and(|piece| piece.width() <= columns);
        let end = if fits { whole } else { word };
        found.extend(rest.get(..end));
        rest = rest.get(end + 1..).unwrap_or("");
    }
    found
}

/// Control characters written out.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control() && c != '\n';
            let (written, kept) = match escaped {
                true => (Some(c.escape_default()), None),
                false => (None, Some(c)),
            };
            written.into_iter().flatten().chain(kept)
        })
        .collect()
}

/// A range that lies in the text, on character boundaries. A line end is shown where it stands, not as the start of the next line.
#[cfg(feature = "cli")]
fn visible_range(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let boundary = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = boundary(start);
    start..boundary(end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::{FileId, Span};

    #[test]
    #[cfg(feature = "cli")]
    fn a_long_text_is_broken_between_words_and_not_in_code() {
        let (sources, file) = sources("let a = 1\nlet b = a + x\n");
        let span = Span::new(file, 22, 23);
        let diagnostic = Diagnostic::error("E0201", span, "unknown name `x`").help(
            "bind it first, `let x = ...`, or write the name of another that is bound before",
        );
        insta::assert_snapshot!(render_within(&diagnostic, &sources, false, Some(44)), @r"
    error[E0201]: unknown name `x`
     --> m.dlm:2:13
      |
    2 | let b = a + x
      |             ^
      |
      = help: bind it first, `let x = ...`,
              or write the name of another
              that is bound before
    ");
        assert_eq!(broken("a `b c d` e", 7), "a\n`b c d`\ne");
        assert_eq!(broken("a `b c d` e", 3), "a\n`b\nc\nd`\ne");
        assert_eq!(broken("", 9), "");
        let whole = render(&diagnostic, &sources, false);
        assert_eq!(whole.lines().count(), 7, "{whole}");
    }

    fn sources(text: &str) -> (Sources, FileId) {
        let mut sources = Sources::default();
        let file = sources.add("m.dlm", text);
        (sources, file)
    }

    fn show(text: &str, start: usize, end: usize) -> String {
        let (sources, file) = sources(text);
        let diagnostic = Diagnostic::error(
            "E0107",
            Span::new(file, start, end),
            "found `x`, expected a name",
        )
        .here("here")
        .help("write a name");
        render(&diagnostic, &sources, false)
    }

    #[test]
    #[cfg(feature = "cli")]
    fn a_place_is_shown_under_its_line() {
        insta::assert_snapshot!(show("let a = 1\nlet θ = α₁ + x\n", 15, 17), @r"
    error[E0107]: found `x`, expected a name
     --> m.dlm:2:5
      |
    2 | let θ = α₁ + x
      |     ^^ here
      |
      = help: write a name
    ");
    }

    #[test]
    #[cfg(feature = "cli")]
    fn tabs_the_end_of_the_text_and_the_empty_text_are_shown() {
        insta::assert_snapshot!(show("\tlet\ta = 1", 5, 6), @r"
    error[E0107]: found `x`, expected a name
     --> m.dlm:1:6
      |
    1 |     let    a = 1
      |            ^ here
      |
      = help: write a name
    ");
        insta::assert_snapshot!(show("let a = \n", 8, 8), @r"
    error[E0107]: found `x`, expected a name
     --> m.dlm:1:9
      |
    1 | let a = 
      |         ^ here
      |
      = help: write a name
    ");
        insta::assert_snapshot!(show("let a = ", 8, 8), @r"
    error[E0107]: found `x`, expected a name
     --> m.dlm:1:9
      |
    1 | let a = 
      |         ^ here
      |
      = help: write a name
    ");
        insta::assert_snapshot!(show("", 0, 0), @r"
    error[E0107]: found `x`, expected a name
     --> m.dlm:1:1
      |
    1 |
      | ^ here
      |
      = help: write a name
    ");
    }

    #[test]
    #[cfg(feature = "cli")]
    fn labels_of_several_files_and_lines_are_shown() {
        let (mut sources, first) = sources("let a = [1, 2]\nlet b = a\n");
        let second = sources.add("std/losses.dlm", "fn mse(p, q) {\n    p - q\n}\n");
        let diagnostic = Diagnostic::error(
            "E0301",
            Span::new(first, 23, 24),
            "shapes [2] and [3] do not agree",
        )
        .here("[2]")
        .label(Span::new(first, 8, 14), "made here")
        .label(Span::new(second, 19, 24), "in this subtraction")
        .help("reshape one of them")
        .note("in `mse` of the standard library");
        insta::assert_snapshot!(render(&diagnostic, &sources, false), @r"
    error[E0301]: shapes [2] and [3] do not agree
     --> m.dlm:2:9
      |
    1 | let a = [1, 2]
      |         ------ made here
    2 | let b = a
      |         ^ [2]
      |
     ::: std/losses.dlm:2:5
      |
    2 |     p - q
      |     ----- in this subtraction
      |
      = help: reshape one of them
      = note: in `mse` of the standard library
    ");
    }

    #[test]
    fn a_span_outside_the_text_or_of_no_file_does_no_harm() {
        for (start, end) in [(0, 99), (99, 100), (5, 3), (1, 2)] {
            assert!(show("θ = 1", start, end).contains("E0107"));
        }
        let diagnostic = Diagnostic::error(
            "E0601",
            Span::new(FileId(7), 0, 0),
            "no such file \u{1b}[31m",
        );
        for text in [
            render(&diagnostic, &Sources::default(), false),
            render_plain(&diagnostic, &Sources::default()),
        ] {
            assert!(
                text.contains("E0601") && !text.contains('\u{1b}'),
                "{text:?}"
            );
        }
        assert!(render(&diagnostic, &Sources::default(), true).contains("E0601"));
    }

    #[test]
    fn plain_text_has_one_line_a_fact() {
        let (sources, file) = sources("let a = 1\nlet b = x");
        let diagnostic = Diagnostic::warning("E0201", Span::new(file, 18, 19), "`x` is unknown")
            .here("not bound")
            .label(Span::new(file, 4, 5), "`a` is")
            .help("write `a`");
        assert_eq!(
            render_plain(&diagnostic, &sources),
            "m.dlm:2:9: warning[E0201]: `x` is unknown (not bound)\n  m.dlm:1:5: `a` is\n  help: write `a`\n"
        );
    }
}
