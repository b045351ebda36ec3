//! Tokens, and the pass that settles what the grammar should not see: which newlines end statements, and which words have a meaning where
//! they stand. The lexer never fails: what is no token becomes [`Token::Error`].
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Span};
use logos::Logos;
use std::fmt;

/// A token.
#[derive(Logos, Debug, Clone, Copy, PartialEq)]
#[logos(skip r"[ \t\r\f]+")]
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
    // Made by the pass from identifiers.
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
    #[regex(r#""([^"\\\n]|\\.)*""#)]
    Str(&'a str),
    /// What is no token.
    Error,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Newline => f.write_str("the end of the line"),
            Token::Doc(_) => f.write_str("a documentation comment"),
            Token::Ident(text) | Token::Number(text) | Token::Reducer(text) => {
                write!(f, "`{text}`")
            }
            Token::Str(_) => f.write_str("a string"),
            Token::AtMost => f.write_str("`at most`"),
            other => write!(f, "`{other:?}`"),
        }
    }
}

/// A token between two byte positions.
pub type Spanned<'a> = (usize, Token<'a>, usize);

/// Deepest nesting of brackets.
pub const MOST_NESTING: usize = 256;
/// Longest source, in bytes.
pub const MOST_BYTES: usize = 16 << 20;

/// The tokens of a text as the grammar takes them.
pub fn tokens(text: &str, file: FileId) -> (Vec<Spanned<'_>>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    if text.len() > MOST_BYTES {
        let place = Span::new(file, 0, 0);
        let message = format!(
            "the source has {} bytes, the limit is {MOST_BYTES}",
            text.len()
        );
        return (
            Vec::new(),
            vec![
                Diagnostic::error("E0101", place, message)
                    .help("read data with csv, npy, npz, idx or text instead of writing it out"),
            ],
        );
    }
    let mut raw: Vec<Spanned<'_>> = Vec::new();
    for (token, range) in Token::lexer(text).spanned() {
        match token {
            Ok(token) => raw.push((range.start, token, range.end)),
            Err(()) => diagnostics.push(unknown(text, file, range)),
        }
    }
    let laid_out = layout(text, file, &raw, &mut diagnostics);
    (soft_words(text, laid_out), diagnostics)
}

fn unknown(text: &str, file: FileId, range: std::ops::Range<usize>) -> Diagnostic {
    let span = Span::new(file, range.start, range.end);
    let found = &text[range];
    if found.starts_with('"') {
        return Diagnostic::error("E0102", span, "this string does not end")
            .help("close it with `\"` on the same line");
    }
    let diagnostic = Diagnostic::error("E0103", span, format!("`{found}` has no meaning here"));
    match found {
        "!" => diagnostic.help("write `not` for a negation, `!=` for a comparison"),
        "&" => diagnostic.help("write `and`"),
        "|" => diagnostic.help("write `or` for a disjunction, `|>` to pass a value on"),
        "'" => diagnostic.help("strings stand in double quotes"),
        _ => diagnostic.help("remove it"),
    }
}

/// Keeps the newlines that end statements and the documentation that stands before a declaration.
fn layout<'a>(
    text: &'a str,
    file: FileId,
    raw: &[Spanned<'a>],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Spanned<'a>> {
    let mut kept: Vec<Spanned<'a>> = Vec::new();
    let mut open: Vec<Spanned<'a>> = Vec::new();
    for (at, &(start, token, end)) in raw.iter().enumerate() {
        let inside = matches!(open.last(), Some((_, Token::LParen | Token::LBracket, _)));
        let next = || {
            raw[at + 1..]
                .iter()
                .find(|other| !matches!(other.1, Token::Newline | Token::Doc(_)))
        };
        match token {
            Token::Newline | Token::Doc(_) if inside => {
                if &text[start..end] == ";" {
                    let place = Span::new(file, start, end);
                    diagnostics.push(
                        Diagnostic::error("E0104", place, "`;` cannot stand inside brackets")
                            .help("close the bracket first"),
                    );
                }
                continue;
            }
            Token::Doc(_) => {
                if next().is_some_and(|&(s, _, e)| {
                    matches!(
                        &text[s..e],
                        "layer" | "fn" | "optimizer" | "param" | "state" | "hyper" | "let"
                    )
                }) {
                    kept.push((start, token, end));
                }
                continue;
            }
            Token::Newline
                if !ends_statement(
                    &text[start..end],
                    kept.last().map(|t| t.1),
                    next().map(|t| t.1),
                ) =>
            {
                continue;
            }
            Token::LParen | Token::LBracket | Token::LBrace => open.push((start, token, end)),
            Token::RParen | Token::RBracket | Token::RBrace => {
                open.pop();
            }
            _ => {}
        }
        if open.len() > MOST_NESTING {
            let place = Span::new(file, start, end);
            diagnostics.push(
                Diagnostic::error(
                    "E0105",
                    place,
                    format!("brackets are nested deeper than {MOST_NESTING}"),
                )
                .help("name the inner parts with `let`"),
            );
            return Vec::new();
        }
        kept.push((start, token, end));
    }
    kept
}

/// Whether a newline (or `;`) between two tokens ends a statement.
fn ends_statement(written: &str, before: Option<Token<'_>>, after: Option<Token<'_>>) -> bool {
    use Token::*;
    let continued = matches!(after, None | Some(RBrace))
        || (matches!(after, Some(Pipe | Else)) && written != ";");
    let unfinished = matches!(
        before,
        None | Some(
            Newline
                | Doc(_)
                | LBrace
                | Comma
                | Eq
                | EqEq
                | Ne
                | Lt
                | Le
                | Gt
                | Ge
                | Plus
                | Minus
                | Star
                | Slash
                | SlashSlash
                | Percent
                | At
                | Caret
                | Arrow
                | Pipe
                | And
                | Or
                | Not
        )
    );
    !continued && !unfinished
}

/// Gives the words that have a meaning in some places only their tokens there.
fn soft_words<'a>(text: &'a str, tokens: Vec<Spanned<'a>>) -> Vec<Spanned<'a>> {
    let mut result: Vec<Spanned<'a>> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let (start, token, end) = tokens[at];
        let before = at.checked_sub(1).map(|at| tokens[at].1);
        let after = tokens.get(at + 1).map(|t| t.1);
        if let (Token::Ident("at"), Some(Token::Ident("most"))) = (token, after) {
            result.push((start, Token::AtMost, tokens[at + 1].2));
            at += 2;
            continue;
        }
        let settled = soft_word(
            &text[start..end],
            token,
            before,
            after,
            result.last().map(|t| t.1),
        );
        result.push((start, settled, end));
        at += 1;
    }
    result
}

fn soft_word<'a>(
    word: &'a str,
    token: Token<'a>,
    before: Option<Token<'a>>,
    after: Option<Token<'a>>,
    settled: Option<Token<'a>>,
) -> Token<'a> {
    use Token::*;
    let is_word = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if !is_word {
        return token;
    }
    // After `.` and before a single `=` every word is a name.
    if before == Some(Dot) || after == Some(Eq) {
        return Ident(word);
    }
    let Ident(_) = token else { return token };
    let starts = matches!(before, None | Some(Newline | LBrace | Doc(_)));
    let named = matches!(after, Some(Ident(_) | Over | With | To | From | On));
    match word {
        "sum" | "mean" | "max" | "min" | "prod" | "argmax" if after == Some(LBracket) => {
            Reducer(word)
        }
        "layer" if starts && named => Layer,
        "optimizer" if starts && named => Optimizer,
        "param" if starts && named => Param,
        "state" if starts && named => State,
        "hyper" if starts && named => Hyper,
        "train" if starts && named => Train,
        "save" if starts && named => Save,
        "load" if starts && named => Load,
        "import" if starts && matches!(after, Some(Str(_))) => Import,
        "print" if starts && after != Some(Eq) => Print,
        "plot" if starts && after != Some(Eq) => Plot,
        "assert" if starts && after != Some(Eq) => Assert,
        "repeat" if starts && after != Some(Eq) => Repeat,
        "until" if settled == Some(Repeat) => Until,
        "reverse" if before == Some(Scan) && after != Some(In) => Reverse,
        _ => token,
    }
}

/// The tokens as text, one a line.
pub fn print_tokens(text: &str, file: FileId) -> String {
    tokens(text, file)
        .0
        .iter()
        .map(|(start, token, end)| format!("{start}..{end} {token:?}\n"))
        .collect()
}
