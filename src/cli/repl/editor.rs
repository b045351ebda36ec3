//! What the line editor knows of the language: when an input is complete, colours, completion.
use super::commands::COMMANDS;
use super::session::Session;
use crate::base::source::{FileId, Sources};
use crate::check::STANDARD_LIBRARY;
use crate::check::declared::{Parameters, declarations};
use crate::check::train::KEYS;
use crate::cli::words::{WORDS, called, is_train_block, path_start};
use crate::session::Stage;
use crate::syntax::is_incomplete;
use crate::syntax::token::{self, Token};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};
use std::borrow::Cow;
use std::collections::HashMap;

const KEYWORD: &str = "\x1b[1;34m";
const NUMBER: &str = "\x1b[36m";
const TEXT: &str = "\x1b[32m";
const COMMENT: &str = "\x1b[90m";
const PROMPT: &str = "\x1b[1;32m";
const PLAIN: &str = "\x1b[0m";

/// The editor's view of a session; brought up to date before each input.
pub struct Editing {
    colour: bool,
    files: FilenameCompleter,
    names: Vec<String>,
    paths: Vec<String>,
    /// Parameters of functions, layers and optimizers by name.
    parameters: HashMap<String, Parameters>,
    /// Those of the standard library.
    library: HashMap<String, Parameters>,
}

impl Editing {
    /// Knows the standard library.
    pub fn new(colour: bool) -> Editing {
        let mut sources = Sources::default();
        let mut library = HashMap::new();
        for (name, text) in STANDARD_LIBRARY {
            let file = sources.add(*name, *text);
            add_parameters(&sources, file, &mut library);
        }
        Editing {
            colour,
            files: FilenameCompleter::new(),
            names: Vec::new(),
            paths: Vec::new(),
            parameters: library.clone(),
            library,
        }
    }

    /// Takes over the names of a session.
    pub fn update(&mut self, session: &Session) {
        self.names = session.growing.names();
        self.names.extend(WORDS.iter().map(|word| word.to_string()));
        self.paths = session.growing.paths();
        self.parameters = self.library.clone();
        let sources = session.growing.sources();
        add_parameters(sources, FileId::default(), &mut self.parameters);
    }

    /// What may stand where the cursor is: where the word begins, and the words.
    fn candidates(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = &line[..at];
        if before.starts_with(':') && !before.contains(char::is_whitespace) {
            let names = COMMANDS.iter().map(|(name, _, _)| name.to_string());
            return (0, names.filter(|name| name.starts_with(before)).collect());
        }
        if let Some(stage) = before.strip_prefix(":ir ")
            && !stage.contains(char::is_whitespace)
        {
            let mut found = Stage::names();
            // An expression alone is shown too.
            found.extend(self.names.iter().filter(|_| !stage.is_empty()).cloned());
            found.retain(|name| name.starts_with(stage));
            return (before.len() - stage.len(), found);
        }
        let start = path_start(before);
        let word = &before[start..];
        if is_train_block(&before[..start]) {
            let keys = KEYS.iter().filter(|key| key.starts_with(word));
            return (start, keys.map(|key| format!("{key} = ")).collect());
        }
        let mut found = Vec::new();
        if word.contains('.') {
            found.extend(
                self.paths
                    .iter()
                    .filter(|path| path.starts_with(word))
                    .cloned(),
            );
            return (start, found);
        }
        let call = called(&before[..start]);
        if let Some((call, parameters)) =
            call.and_then(|call| Some((call, self.parameters.get(call.name)?)))
        {
            let named = parameters.named(call.is_piped).iter();
            let wanted = named.filter(|name| name.starts_with(word));
            found.extend(wanted.map(|name| format!("{name} = ")));
        }
        if !word.is_empty() {
            found.extend(
                self.names
                    .iter()
                    .filter(|name| name.starts_with(word))
                    .cloned(),
            );
        }
        found.dedup();
        (start, found)
    }
}

fn add_parameters(sources: &Sources, file: FileId, into: &mut HashMap<String, Parameters>) {
    for declared in declarations(sources, file) {
        into.insert(declared.name, declared.parameters);
    }
}

/// Whether the cursor stands in a string, where files are completed.
fn in_string(before: &str) -> bool {
    before.matches('"').count() % 2 == 1
}

impl Completer for Editing {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or(line);
        let takes_file = [":load ", ":save "].iter().any(|c| before.starts_with(c));
        if takes_file || in_string(before) {
            return self.files.complete(line, at, context);
        }
        let (start, found) = self.candidates(line, before.len());
        let pair = |text: String| Pair {
            display: text.trim_end().to_string(),
            replacement: text,
        };
        Ok((start, found.into_iter().map(pair).collect()))
    }
}

impl Validator for Editing {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        // The line that is entered has no end yet.
        Ok(match is_unfinished(&format!("{}\n", context.input())) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

/// Whether an input goes on in the next line. An empty line ends it in any case.
pub fn is_unfinished(text: &str) -> bool {
    let command = text.trim_start().starts_with(':');
    !command && !text.ends_with("\n\n") && (is_open(text) || is_incomplete(text))
}

/// Whether more brackets open than close.
fn is_open(text: &str) -> bool {
    let (tokens, _) = token::lex(text, FileId::default());
    let depth = tokens
        .iter()
        .fold(0i64, |depth, (_, token, _)| match token {
            Token::LBrace | Token::LParen | Token::LBracket => depth + 1,
            Token::RBrace | Token::RParen | Token::RBracket => depth - 1,
            _ => depth,
        });
    depth > 0
}

impl Hinter for Editing {
    type Hint = String;
}

impl Highlighter for Editing {
    fn highlight<'l>(&self, line: &'l str, _at: usize) -> Cow<'l, str> {
        match self.colour && !line.starts_with(':') {
            true => Cow::Owned(coloured(line)),
            false => Cow::Borrowed(line),
        }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        _default: bool,
    ) -> Cow<'b, str> {
        match self.colour {
            true => Cow::Owned(format!("{PROMPT}{prompt}{PLAIN}")),
            false => Cow::Borrowed(prompt),
        }
    }

    fn highlight_char(&self, _line: &str, _at: usize, kind: CmdKind) -> bool {
        self.colour && kind != CmdKind::MoveCursor
    }
}

impl Helper for Editing {}

/// A text with colours; nothing else of it changes.
pub fn coloured(text: &str) -> String {
    let found = token::tokens(text, FileId::default());
    let mut out = String::new();
    let mut at = 0;
    for &(start, token, end) in &found.stream {
        // Tokens of the layout have no text of their own.
        let (Some(gap), Some(word)) = (text.get(at..start), text.get(start..end)) else {
            continue;
        };
        out += &with_comments(gap);
        match colour_of(token, word) {
            Some(colour) if !word.is_empty() => out += &format!("{colour}{word}{PLAIN}"),
            Some(_) | None => out += word,
        }
        at = end;
    }
    out + &with_comments(text.get(at..).unwrap_or_default())
}

/// What stands between tokens: blanks and comments.
fn with_comments(gap: &str) -> String {
    gap.split_inclusive('\n')
        .map(|line| match line.split_once('#') {
            Some((blank, comment)) => {
                let (comment, end) = match comment.strip_suffix('\n') {
                    Some(comment) => (comment, "\n"),
                    None => (comment, ""),
                };
                format!("{blank}{COMMENT}#{comment}{PLAIN}{end}")
            }
            None => line.to_string(),
        })
        .collect()
}

fn colour_of(token: Token<'_>, word: &str) -> Option<&'static str> {
    match token {
        Token::Number(_) => Some(NUMBER),
        Token::Doc(_) => Some(COMMENT),
        Token::Ident(_) => None,
        _ if word.starts_with('"') => Some(TEXT),
        _ if word.starts_with(char::is_alphabetic) => Some(KEYWORD),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\x1b') {
            out += before;
            rest = after.split_once('m').map_or("", |(_, after)| after);
        }
        out + rest
    }

    #[test]
    fn colours_change_no_character() {
        for text in [
            "let x = 1.5  # a comment\n",
            "layer f(n)(x: [b, d]) {\n    x @ W  # product\n}",
            "print \"loss {J:.3}\", θ₁",
            "let y = \"unclosed",
            "x ? 3 # odd",
            "",
        ] {
            assert_eq!(plain(&coloured(text)), text);
        }
        assert!(coloured("let x").starts_with(KEYWORD));
    }

    #[test]
    fn an_input_goes_on_until_its_brackets_close() {
        assert!(is_unfinished("layer f(n)(x) {"));
        assert!(is_unfinished("let x = [1,"));
        assert!(is_unfinished("layer f(n)(x) {\nparam w: [n] = zeros"));
        assert!(!is_unfinished("let x = [1, 2]"));
        assert!(
            !is_unfinished("layer f(n)(x) {\n\n"),
            "an empty line ends it"
        );
        assert!(!is_unfinished(":type (x"));
    }

    #[test]
    fn one_empty_line_ends_an_input() {
        assert!(is_unfinished("let x = [1,\n"));
        assert!(!is_unfinished("let x = [1,\n\n"));
    }

    #[test]
    fn the_word_at_the_cursor_is_completed() {
        let editing = Editing {
            names: ["dense", "dropout", "conv2d"].map(String::from).to_vec(),
            paths: ["net.W", "net.b"].map(String::from).to_vec(),
            ..Editing::new(false)
        };
        let found = |line: &str| editing.candidates(line, line.len());
        assert_eq!(found("x |> de"), (5, vec!["dense".to_string()]));
        assert_eq!(
            found("net."),
            (0, vec!["net.W".to_string(), "net.b".to_string()])
        );
        assert_eq!(found(":ty"), (0, vec![":type".to_string()]));
        assert_eq!(found(":ir ker"), (4, vec!["kernels".to_string()]));
        assert_eq!(found(":ir after:bund").0, 4);
        assert_eq!(found(":ir tir de"), (8, vec!["dense".to_string()]));
        let block = "train net on set {\n    loss = mse\n    opt";
        let start = block.len() - "opt".len();
        assert_eq!(found(block), (start, vec!["optimizer = ".to_string()]));
        assert_eq!(found("train net on set {\n").1.len(), KEYS.len());
        let (start, words) = found("let l = conv2d(8, (3, 3), st");
        assert_eq!((start, words[0].as_str()), (26, "stride = "));
    }
}
