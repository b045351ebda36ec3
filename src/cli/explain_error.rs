//! `dlmc explain-error`: what the code of a message means, with an example before and after, from docs/errors.md.
use super::doc::text::{Style, paragraph};
use super::output::Output;
use super::{Appearance, Failure};
use crate::base::diagnostic::nearest;
use clap::Args;

const PAGE: &str = include_str!("../../docs/errors.md");

/// What `dlmc explain-error` is asked.
#[derive(Args)]
pub struct Arguments {
    /// The code of a message, `E0317`; all codes where nothing is said
    code: Vec<String>,
    #[command(flatten)]
    appearance: Appearance,
}

/// An example of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Whether it is the mended program.
    pub right: bool,
    /// Whether the error is seen only when the program runs.
    pub runs: bool,
    /// Hyper-parameters that the command sets.
    pub settings: Vec<String>,
    /// The program.
    pub program: String,
}

/// What is said of one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: &'static str,
    /// What is wrong, in some words.
    pub title: &'static str,
    /// What it means and why it is an error.
    pub text: &'static str,
    /// The program before and after; none where no short program shows it.
    pub examples: Vec<Example>,
}

/// All codes, in the order of their numbers.
pub fn explanations() -> Vec<Explanation> {
    PAGE.split("\n## ")
        .skip(1)
        .filter_map(explanation)
        .collect()
}

fn explanation(section: &'static str) -> Option<Explanation> {
    let (head, body) = section.split_once('\n')?;
    let (code, title) = head.split_once(": ")?;
    let mut blocks = body.split("```dlm ");
    let text = blocks.next()?.trim();
    let examples = blocks.filter_map(|block| {
        let (words, rest) = block.split_once('\n')?;
        let (program, _) = rest.split_once("```")?;
        let mut words = words.split_whitespace();
        let right = words.next() == Some("right");
        let (settings, flags): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
        Some(Example {
            right,
            runs: flags.contains(&"run"),
            settings: settings.into_iter().map(String::from).collect(),
            program: program.to_string(),
        })
    });
    Some(Explanation {
        code,
        title,
        text,
        examples: examples.collect(),
    })
}

/// Shows what the codes mean, or which there are.
pub(super) fn explain_error(arguments: &Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.appearance);
    let coloured = Output::result_colours(arguments.appearance.color);
    let style = Style::new(Output::result_columns(), coloured);
    let known = explanations();
    if arguments.code.is_empty() {
        return output.line(list(&known, style).trim_end());
    }
    let mut result = Ok(());
    for (at, written) in arguments.code.iter().enumerate() {
        let code = normal(written);
        match known.iter().find(|explanation| explanation.code == code) {
            Some(explanation) => {
                let gap = if at == 0 { "" } else { "\n" };
                output.line(&format!("{gap}{}", shown(explanation, style).trim_end()))?;
            }
            None => {
                output.say(&unknown(written, &code, &known));
                result = Err(Failure::Usage);
            }
        }
    }
    result
}

/// What a code means, for the prompt; nothing where there is no such code.
pub(super) fn of_code(written: &str, coloured: bool) -> Option<String> {
    let code = normal(written);
    let found = explanations()
        .into_iter()
        .find(|known| known.code == code)?;
    let style = Style::new(Output::result_columns(), coloured);
    Some(shown(&found, style).trim_end().to_string())
}

/// A code as it stands in messages: `e317`, `317` and `error[E0317]` are `E0317`.
fn normal(written: &str) -> String {
    let bare = written.split_once('[').map_or(written, |(_, rest)| rest);
    let bare = bare.trim_end_matches([']', ':']).to_uppercase();
    let digits = bare.trim_start_matches(['E', 'W']);
    let letter = if bare.starts_with('W') { 'W' } else { 'E' };
    match digits.parse::<u16>() {
        Ok(number) => format!("{letter}{number:04}"),
        Err(_) => bare,
    }
}

fn unknown(written: &str, code: &str, known: &[Explanation]) -> String {
    let codes = known.iter().map(|explanation| explanation.code);
    let help = match nearest(code, codes) {
        Some(near) => format!("did you mean `{near}`? `dlmc explain-error` lists all codes"),
        None => "a code looks like `E0317`; `dlmc explain-error` lists them".into(),
    };
    format!("error: there is no error with the code `{written}`\nhelp: {help}\n")
}

fn shown(explanation: &Explanation, style: Style) -> String {
    let head = format!("{}: {}", explanation.code, explanation.title);
    let mut out = format!(
        "{}\n\n{}",
        style.bold(&head),
        paragraph(explanation.text, "  ", style)
    );
    for example in &explanation.examples {
        let title = match (example.right, example.settings.is_empty()) {
            (false, true) => "Wrong:".to_string(),
            (true, true) => "Right:".to_string(),
            (false, false) => format!("Wrong, run with `{}`:", example.settings.join(" ")),
            (true, false) => format!("Right, run with `{}`:", example.settings.join(" ")),
        };
        out += &format!("\n  {}\n", style.bold(&title));
        for line in example.program.lines() {
            out += &format!("      {line}\n");
        }
    }
    out
}

/// What the hundreds of a code stand for.
const KINDS: &[(&str, &str)] = &[
    ("E01", "syntax"),
    ("E02", "names"),
    ("E03", "shapes and types"),
    ("E04", "use of the language"),
    ("E05", "data"),
    ("E06", "run time"),
    ("W02", "warnings of the program and the prompt"),
    ("W06", "warnings of a run"),
];

fn list(known: &[Explanation], style: Style) -> String {
    let mut out = String::new();
    for (start, kind) in KINDS {
        let gap = if out.is_empty() { "" } else { "\n" };
        out += &format!("{gap}{}\n", style.bold(kind));
        for explanation in known.iter().filter(|e| e.code.starts_with(start)) {
            out += &format!("  {}  {}\n", explanation.code, explanation.title);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_understood_as_messages_write_them() {
        for written in [
            "E0317",
            "e0317",
            "317",
            "error[E0317]",
            "error[E0317]:",
            "0317",
        ] {
            assert_eq!(normal(written), "E0317");
        }
        assert_eq!(normal("w0201"), "W0201");
        assert_eq!(normal("nonsense"), "NONSENSE");
    }

    #[test]
    fn every_code_is_in_the_list_once() {
        let known = explanations();
        let style = Style::new(80, false);
        let list = list(&known, style);
        for explanation in &known {
            assert_eq!(
                list.matches(explanation.code).count(),
                1,
                "{}",
                explanation.code
            );
            assert!(!explanation.text.trim().is_empty(), "{}", explanation.code);
            assert!(shown(explanation, style).starts_with(explanation.code));
        }
    }
}
