//! Tokens. The lexer never fails: what is no token becomes [`Token::Error`] and a diagnostic. Which newlines end statements, which words have
//! a meaning where they stand, and whether the brackets match is settled by the pass in `layout.rs`.
use super::layout;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Span};
use logos::Logos;
use std::fmt;

/// A token.
#[derive(Logos, Debug, Clone, Copy, PartialEq)]
#[logos(extras = Ends)]
#[logos(skip r"[ \t\r\f\u{FEFF}]+")]
#[logos(skip(r"#([^#\n][^\n]*)?", allow_greedy = true))]
#[allow(missing_docs)]
pub enum Token<'a> {
    #[regex(r"##[^\n]*", allow_greedy = true)]
    Doc(&'a str),
    #[token("\n")]
    #[token(";")]
    Newline,
    #[token("let")]
    Let,
    #[token("fn")]
    Fn,
    #[token("if")]
    If,
    #[token("else")]
    Else,
    #[token("for")]
    For,
    #[token("in")]
    In,
    #[token("scan")]
    Scan,
    #[token("minimize")]
    Minimize,
    #[token("true")]
    True,
    #[token("false")]
    False,
    #[token("and")]
    And,
    #[token("or")]
    Or,
    #[token("not")]
    Not,
    #[token("over")]
    Over,
    #[token("with")]
    With,
    #[token("to")]
    To,
    #[token("from")]
    From,
    #[token("on")]
    On,
    // Made by the layout pass from identifiers.
    Layer,
    Optimizer,
    Param,
    State,
    Hyper,
    Import,
    Print,
    Plot,
    Save,
    Load,
    Assert,
    Train,
    Repeat,
    Until,
    AtMost,
    Reverse,
    Reducer(&'a str),
    #[token("{")]
    LBrace,
    #[token("}")]
    RBrace,
    #[token("(")]
    LParen,
    #[token(")")]
    RParen,
    #[token("[")]
    LBracket,
    #[token("]")]
    RBracket,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token("..=")]
    DotDotEq,
    #[token("->")]
    Arrow,
    #[token("|>")]
    Pipe,
    #[token("=")]
    Eq,
    #[token("==")]
    EqEq,
    #[token("!=")]
    Ne,
    #[token("<")]
    Lt,
    #[token("<=")]
    Le,
    #[token(">")]
    Gt,
    #[token(">=")]
    Ge,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("//")]
    SlashSlash,
    #[token("%")]
    Percent,
    #[token("@")]
    At,
    #[token("^")]
    Caret,
    #[regex(r"[\p{XID_Start}_][\p{XID_Continue}\u{2032}\u{2080}-\u{2089}]*")]
    Ident(&'a str),
    #[regex(r"[0-9][0-9_]*(\.[0-9]+)?([eE][+-]?[0-9]+)?")]
    Number(&'a str),
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    #[regex(r"'[^'\n]*'")]
    Str(&'a str),
    /// A comment of another language, over any number of lines: reported and left out.
    #[regex(r#""""([^"]|"[^"]|""[^"])*""""#)]
    #[token("/*", comment_of_stars)]
    ForeignComment,
    /// What is no token (a string without its end among them), and what a statement that did not parse is replaced by.
    #[regex(r#""([^"\\\n]|\\[^\n])*\\?"#)]
    #[regex(r"&+|\|\|?")]
    Error,
}

/// What the lexer knows of the rest of the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ends {
    /// Whether no `*/` follows: it is looked for once, not at every `/*`.
    no_comment: bool,
}

/// Goes on behind the end of a comment of C; false where there is none.
fn comment_of_stars<'a>(lexer: &mut logos::Lexer<'a, Token<'a>>) -> bool {
    if lexer.extras.no_comment {
        return false;
    }
    let end = lexer.remainder().find("*/");
    lexer.extras.no_comment = end.is_none();
    end.map(|end| lexer.bump(end + 2)).is_some()
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Ident(text) => write!(f, "name {text}"),
            Token::Reducer(text) => write!(f, "reducer {text}"),
            Token::Number(text) => write!(f, "number {text}"),
            Token::Str(text) => write!(f, "string {text}"),
            Token::Doc(text) => write!(f, "doc {}", text.trim_end()),
            other => f.write_str(&format!("{other:?}").to_lowercase()),
        }
    }
}

/// A token between two byte positions of its file.
pub type Spanned<'a> = (usize, Token<'a>, usize);

/// Longest source, in bytes.
pub const MOST_BYTES: usize = crate::base::source::MOST_SOURCE_BYTES;
/// How many errors of one file are reported.
pub const MOST_ERRORS: usize = 20;

/// The tokens of a text as the grammar takes them: brackets match, and a newline is a token only where it ends a statement.
#[derive(Debug, Clone, Default)]
pub struct Tokens<'a> {
    /// The tokens in order. One that was put in to close a bracket has no width.
    pub stream: Vec<Spanned<'a>>,
    /// What is wrong with characters, strings and brackets.
    pub diagnostics: Vec<Diagnostic>,
    /// Positions that a diagnostic already speaks of: a grammar error in the same statement only follows from it.
    pub marks: Vec<usize>,
    /// Whether a bracket is open at the end of the text.
    pub unclosed: bool,
}

impl Tokens<'_> {
    /// Moves every position, for a text that stands `by` bytes into its file.
    pub fn shift(&mut self, by: usize) {
        for (start, _, end) in &mut self.stream {
            *start += by;
            *end += by;
        }
        for label in self.diagnostics.iter_mut().flat_map(|d| &mut d.labels) {
            label.span.start += by as u32;
            label.span.end += by as u32;
        }
        for mark in &mut self.marks {
            *mark += by;
        }
    }
}

/// The tokens of a text.
pub fn tokens(text: &str, file: FileId) -> Tokens<'_> {
    if text.len() > MOST_BYTES {
        let message = format!(
            "the source has {} bytes, the limit is {MOST_BYTES}",
            text.len()
        );
        let diagnostic = Diagnostic::error("E0101", Span::new(file, 0, 0), message)
            .help("read data with csv, npy, npz, idx or text instead of writing it out");
        return Tokens {
            diagnostics: vec![diagnostic],
            ..Tokens::default()
        };
    }
    let (raw, diagnostics) = lex(text, file);
    let mut result = layout::settle(text, file, &raw);
    forget_brackets_after_open_strings(text, &diagnostics, &mut result.diagnostics);
    result.marks.extend(
        diagnostics
            .iter()
            .filter_map(|d| d.labels.first().map(|label| label.span.start as usize)),
    );
    result.diagnostics.extend(diagnostics);
    result
}

/// A string without its end swallows the brackets after it: what is said of brackets on its line only follows.
fn forget_brackets_after_open_strings(
    text: &str,
    of_characters: &[Diagnostic],
    of_brackets: &mut Vec<Diagnostic>,
) {
    let line = |diagnostic: &Diagnostic| {
        let start = diagnostic.labels.first()?.span.start as usize;
        Some(
            text.get(..start)?
                .rfind('\n')
                .map_or(0, |newline| newline + 1),
        )
    };
    let open = |diagnostic: &&Diagnostic| {
        diagnostic.code == "E0102" && diagnostic.message.contains("does not end")
    };
    let lines: Vec<Option<usize>> = of_characters.iter().filter(open).map(line).collect();
    of_brackets.retain(|diagnostic| !lines.contains(&line(diagnostic)));
}

/// What logos finds, all newlines and documentation included.
pub fn lex(text: &str, file: FileId) -> (Vec<Spanned<'_>>, Vec<Diagnostic>) {
    let mut raw: Vec<Spanned<'_>> = Vec::new();
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let mut continues = false;
    // Where the line of the last diagnostic ends.
    let mut line_end = 0;
    let line_of = |at: usize| {
        let newline = text.get(at..).and_then(|rest| rest.find('\n'));
        newline.map_or(text.len(), |length| at + length)
    };
    for (token, range) in Token::lexer(text).spanned() {
        let token = token.unwrap_or(Token::Error);
        if token == Token::ForeignComment || is_single_quoted(token) {
            if diagnostics.len() < MOST_ERRORS {
                diagnostics.push(foreign(text, file, range.clone()));
                line_end = line_of(range.start);
            }
            if token == Token::ForeignComment {
                continue;
            }
        }
        if token == Token::Error {
            // A run of characters without a meaning is one mistake.
            if let Some((_, Token::Error, end)) = raw.last_mut()
                && *end == range.start
            {
                *end = range.end;
                continue;
            }
            if diagnostics.len() < MOST_ERRORS {
                let found = unknown(text, file, range.clone());
                let last = diagnostics.last();
                let again = last.is_some_and(|last| last.message == found.message);
                if !(again && range.start <= line_end) {
                    diagnostics.push(found);
                    line_end = line_of(range.start);
                }
            }
            // `\\` at the end of a line: the next goes on, as it is meant to.
            if text.get(range.clone()) == Some("\\") {
                continues = true;
                continue;
            }
        }
        if std::mem::take(&mut continues) && token == Token::Newline {
            continue;
        }
        raw.push((range.start, token, range.end));
    }
    (raw, diagnostics)
}

/// `'text'`: read as the string that it is meant to be, after a diagnostic.
fn is_single_quoted(token: Token<'_>) -> bool {
    matches!(token, Token::Str(text) if text.starts_with('\''))
}

/// What is said of a token that only other languages have.
fn foreign(text: &str, file: FileId, range: std::ops::Range<usize>) -> Diagnostic {
    let found = text.get(range.clone()).unwrap_or("");
    let span = |length: usize| Span::new(file, range.start, range.start + length);
    if found.starts_with('\'') {
        return Diagnostic::error(
            "E0102",
            span(found.len()),
            "a string stands in double quotes",
        )
        .help(format!("write `\"{}\"`", found.trim_matches('\'')));
    }
    let (length, sign) = match found.starts_with('/') {
        true => (2, "/*"),
        false => (3, "\"\"\""),
    };
    Diagnostic::error("E0103", span(length), format!("`{sign}` has no meaning"))
        .help("begin each line of a comment with `#`; `##` before a declaration documents it")
}

/// What is written in other languages or on paper, and its form here.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["!"], "write `not` for a negation, `!=` for a comparison"),
    (&["&", "&&"], "write `and`"),
    (
        &["|", "||"],
        "write `or` for a disjunction, `|>` to pass a value on, `fn (x) { ... }` for a function value",
    ),
    (
        &["'"],
        "strings stand in double quotes; a transpose is `transpose(x)`; a primed name takes `′` (U+2032): `h′`",
    ),
    (
        &["“", "”", "„", "‘", "’", "«", "»"],
        "strings stand in straight double quotes: `\"`",
    ),
    (&["−", "–", "—"], "write `-`"),
    (&["×", "·", "⋅", "∗", "∙"], "write `*`"),
    (&["÷", "∕"], "write `/`"),
    (&["≤"], "write `<=`"),
    (&["≥"], "write `>=`"),
    (&["≠"], "write `!=`"),
    (&["←", "≔"], "write `=`"),
    (&["→"], "write `->`"),
    (&["∑"], "write `sum[i] x[i]`"),
    (&["∏"], "write `prod[i] x[i]`"),
    (&["√"], "write `sqrt(x)`"),
    (&["∇", "∂"], "write `grad(J, theta)`"),
    (&["²"], "write `^ 2`"),
    (&["³"], "write `^ 3`"),
    (&["…"], "write `..`"),
    (
        &["/*"],
        "begin each line of a comment with `#`; `##` before a declaration documents it",
    ),
    (
        &["?"],
        "write `if c { a } else { b }`, or `where(c, a, b)` to choose element by element",
    ),
    (&["$"], "names take no sign before them"),
    (&["~", "¬"], "write `not`"),
    (
        &["\\"],
        "a statement goes on after an operator, a comma or an open bracket: no mark is needed",
    ),
    (&["\u{a0}", "\u{3000}", "\u{200b}"], "put a plain space"),
];

fn unknown(text: &str, file: FileId, range: std::ops::Range<usize>) -> Diagnostic {
    let span = Span::new(file, range.start, range.end);
    let found = text.get(range).unwrap_or("");
    if found.starts_with('"') {
        return Diagnostic::error("E0102", span, "this string does not end")
            .help("close it with `\"` on the same line");
    }
    let row = ELSEWHERE.iter().find(|(signs, _)| signs.contains(&found));
    Diagnostic::error("E0103", span, format!("`{}` has no meaning", shown(found)))
        .help(row.map_or("remove it", |(_, help)| help))
}

/// Characters as a message shows them: quotes and backslashes as they are, what cannot be seen by its code.
fn shown(text: &str) -> String {
    let one = |character: char| match character {
        '\'' | '"' | '\\' => character.to_string(),
        other => other.escape_debug().to_string(),
    };
    text.chars().map(one).collect()
}

/// The tokens as text, one a line: `start..end token`.
pub fn print_tokens(text: &str, file: FileId) -> String {
    tokens(text, file)
        .stream
        .iter()
        .map(|(start, token, end)| format!("{start}..{end} {token}\n"))
        .collect()
}
