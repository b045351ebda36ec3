//! Documentation for a terminal.
use super::catalogue::{Entry, Group};

/// Widest text; longer lines are hard to read.
const WIDEST: usize = 100;
/// Column at which the index explains its names.
const NAMES: usize = 22;

/// How text is shown.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    columns: usize,
    coloured: bool,
}

impl Style {
    /// For a terminal of that many columns.
    pub fn new(columns: usize, coloured: bool) -> Style {
        Style {
            columns: columns.clamp(40, WIDEST),
            coloured,
        }
    }

    /// A text in bold.
    pub fn bold(self, text: &str) -> String {
        self.paint(text, "1")
    }

    fn paint(self, text: &str, code: &str) -> String {
        if self.coloured && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

/// A text of a file, in which control characters must not steer the terminal.
fn visible(text: &str) -> String {
    let shown = text.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    shown.collect()
}

/// Words put on lines of at most `width` characters.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut taken = 0;
    for word in text.split_whitespace().map(visible) {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if taken + 1 + length <= width => {
                line.push(' ');
                line.push_str(&word);
                taken += 1 + length;
            }
            Some(_) | None => {
                lines.push(word);
                taken = length;
            }
        }
    }
    lines
}

/// A text on lines of its own.
pub fn paragraph(text: &str, indent: &str, style: Style) -> String {
    let width = style.columns.saturating_sub(indent.len());
    let lines = wrapped(text, width);
    lines
        .iter()
        .map(|line| format!("{indent}{line}\n"))
        .collect()
}

/// A text cut to at most `width` characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// All that is known of one name.
pub fn entry(entry: &Entry, style: Style, code: bool) -> String {
    let paragraph = |text: &str, indent: &str| paragraph(text, indent, style);
    let mut out = format!("{}\n\n", style.paint(&visible(&entry.head), "1"));
    out += &match entry.doc.is_empty() {
        true => "  without documentation: `##` lines before it would stand here\n".into(),
        false => paragraph(&entry.doc, "  "),
    };
    if !entry.options.is_empty() {
        out += "\n  Options:\n";
        for (name, doc) in &entry.options {
            out += &format!(
                "    {}\n{}",
                style.paint(name, "1"),
                paragraph(doc, "        ")
            );
        }
    }
    if let Some(citation) = &entry.citation {
        out += &style.paint(
            &format!("\n{}", paragraph(&format!("Source: {citation}"), "  ")),
            "2",
        );
    }
    if code && !entry.code.is_empty() {
        out += &format!("\n  {}\n", style.paint(&entry.place, "2"));
        for line in entry.code.trim_end().lines() {
            out += format!("    {}", visible(line)).trim_end();
            out.push('\n');
        }
    }
    out
}

/// The names of a group, a line each.
pub fn index(group: &Group, style: Style) -> String {
    let mut out = format!("{}\n", style.paint(&group.name, "1;36"));
    for entry in &group.entries {
        let room = style.columns.saturating_sub(NAMES + 2);
        let gap = NAMES.saturating_sub(entry.name.chars().count()).max(1);
        let name = style.paint(&entry.name, "1");
        let sentence = visible(entry.sentence()).replace('`', "");
        let line = format!("  {name}{}{}", " ".repeat(gap), cut(&sentence, room));
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// A group with what holds for all of it.
pub fn group(group: &Group, style: Style) -> String {
    let about: String = wrapped(&group.about, style.columns)
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    match about.is_empty() {
        true => index(group, style),
        false => format!("{about}\n{}", index(group, style)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_on_lines() {
        assert_eq!(wrapped("a bc def g", 5), ["a bc", "def g"]);
        assert_eq!(wrapped("abcdefgh i", 5), ["abcdefgh", "i"]);
        assert!(wrapped("  ", 5).is_empty());
        assert_eq!(cut("abcdefgh", 6), "abc...");
        assert_eq!(cut("abcdef", 6), "abcdef");
    }
}
