//! Runs the grammar, and turns its errors into messages. The one file that names lalrpop's types.
use super::ast::{Expr, ExprKind, File, Format, StmtKind, StrPart};
use super::token::{Spanned, Token, tokens};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Sources, Span};
use lalrpop_util::{ErrorRecovery, ParseError};
use std::sync::Arc;

#[allow(clippy::all, clippy::undocumented_unsafe_blocks, missing_docs, unused)]
mod grammar {
    lalrpop_util::lalrpop_mod!(pub dlm);
}

/// An error of an action. No action fails; numbers and strings that are wrong become [`ExprKind::Error`] with a message of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure;

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failure")
    }
}

type GrammarError<'a> = ParseError<usize, Token<'a>, Failure>;

/// Parses a file. There is always a tree; what did not parse is [`StmtKind::Error`] in it and a diagnostic.
pub fn parse(sources: &Sources, file: FileId) -> (File, Vec<Diagnostic>) {
    let text = &sources.file(file).text;
    let (stream, mut diagnostics) = tokens(text, file);
    let mut recovered: Vec<ErrorRecovery<usize, Token<'_>, Failure>> = Vec::new();
    let outcome = grammar::dlm::FileParser::new().parse(
        file,
        &mut recovered,
        stream.iter().copied().map(Ok::<Spanned<'_>, Failure>),
    );
    let mut errors: Vec<GrammarError<'_>> = recovered
        .into_iter()
        .map(|recovery| recovery.error)
        .collect();
    let tree = match outcome {
        Ok(tree) => tree,
        Err(error) => {
            errors.push(error);
            File::default()
        }
    };
    diagnostics.extend(
        errors
            .iter()
            .map(|error| explain(text, file, &stream, error)),
    );
    let mut strings = Vec::new();
    collect_string_errors(&tree, &mut strings);
    diagnostics.sort_by_key(|d| d.labels.first().map(|label| label.span));
    (tree, diagnostics)
}

/// Parses one expression, as the parts of strings are.
fn parse_expression(text: &str, file: FileId, offset: usize) -> Option<Expr> {
    let (stream, diagnostics) = tokens(text, file);
    if !diagnostics.is_empty() {
        return None;
    }
    let mut recovered = Vec::new();
    let shifted = stream
        .into_iter()
        .map(|(start, token, end)| Ok((start + offset, token, end + offset)));
    grammar::dlm::AloneParser::new()
        .parse(file, &mut recovered, shifted)
        .ok()
        .filter(|_| recovered.is_empty())
}

/// Whether a text only lacks its end: what a prompt asks for on the next line.
pub fn is_incomplete(text: &str) -> bool {
    let mut depth = 0i64;
    let (stream, diagnostics) = tokens(text, FileId(0));
    for (_, token, _) in &stream {
        match token {
            Token::LBrace | Token::LParen | Token::LBracket => depth += 1,
            Token::RBrace | Token::RParen | Token::RBracket => depth -= 1,
            _ => {}
        }
    }
    let mut recovered = Vec::new();
    let outcome = grammar::dlm::FileParser::new().parse(
        FileId(0),
        &mut recovered,
        stream.iter().copied().map(Ok::<Spanned<'_>, Failure>),
    );
    let at_end = |error: &GrammarError<'_>| matches!(error, ParseError::UnrecognizedEof { .. });
    diagnostics.is_empty()
        && (depth > 0
            || outcome.err().as_ref().is_some_and(at_end)
            || recovered.iter().any(|r| at_end(&r.error)))
}

/// The text of `##` lines.
pub fn documentation(lines: &[&str]) -> Option<String> {
    let text: Vec<&str> = lines
        .iter()
        .map(|line| line.trim_start_matches('#').trim_end())
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    (!text.is_empty()).then(|| text.join("\n"))
}

/// The text of a string without interpolation.
pub fn plain_string(quoted: &str) -> Arc<str> {
    unescaped(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("")).into()
}

/// A number.
pub fn number(text: &str) -> ExprKind {
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    if digits.contains(['.', 'e', 'E']) {
        return digits.parse().map_or(ExprKind::Error, ExprKind::Float);
    }
    // An integer beyond 64 bits still has a value as a float; `check` says where an integer is wanted.
    digits
        .parse()
        .map(ExprKind::Int)
        .or_else(|_| digits.parse().map(ExprKind::Float))
        .unwrap_or(ExprKind::Error)
}

fn unescaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, if c == '\\' { characters.next() } else { None }) {
            ('\\', Some('n')) => result.push('\n'),
            ('\\', Some('t')) => result.push('\t'),
            ('\\', Some(other)) => result.push(other),
            (other, _) => result.push(other),
        }
    }
    result
}

/// A string with its interpolations; `start` is where its opening quote stands.
pub fn string(quoted: &str, file: FileId, start: usize) -> ExprKind {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut at = 0;
    while let Some(c) = inner[at..].chars().next() {
        let rest = &inner[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            text.push(c);
            at += 2;
        } else if c == '{' {
            let Some(length) = rest.find('}') else {
                return ExprKind::Error;
            };
            if !text.is_empty() {
                parts.push(StrPart::Text(unescaped(&std::mem::take(&mut text))));
            }
            let Some(part) = interpolation(&rest[1..length], file, start + 1 + at + 1) else {
                return ExprKind::Error;
            };
            parts.push(part);
            at += length + 1;
        } else {
            text.push(c);
            at += c.len_utf8();
            if c == '\\'
                && let Some(next) = inner[at..].chars().next()
            {
                text.push(next);
                at += next.len_utf8();
            }
        }
    }
    if !text.is_empty() || parts.is_empty() {
        parts.push(StrPart::Text(unescaped(&text)));
    }
    ExprKind::Str(parts)
}

/// `expr` or `expr:format` between braces.
fn interpolation(inner: &str, file: FileId, offset: usize) -> Option<StrPart> {
    if let Some((before, after)) = inner.rsplit_once(':')
        && let Some(format) = format(after)
        && let Some(value) = parse_expression(before, file, offset)
    {
        return Some(StrPart::Value(value, Some(format)));
    }
    parse_expression(inner, file, offset).map(|value| StrPart::Value(value, None))
}

/// `[width][.precision][style]`, style one of `f`, `e`, `%`.
fn format(text: &str) -> Option<Format> {
    let style = text.chars().last().filter(|c| matches!(c, 'f' | 'e' | '%'));
    let digits = if style.is_some() {
        &text[..text.len() - 1]
    } else {
        text
    };
    let (width, precision) = match digits.split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse().ok()?)),
        None => (digits, None),
    };
    let width = if width.is_empty() {
        None
    } else {
        Some(width.parse().ok()?)
    };
    (width.is_some() || precision.is_some() || style.is_some()).then_some(Format {
        precision,
        style,
        width,
    })
}

fn collect_string_errors(_tree: &File, _into: &mut Vec<Diagnostic>) {}

/// A grammar error as a message in the user's words.
fn explain(
    text: &str,
    file: FileId,
    stream: &[Spanned<'_>],
    error: &GrammarError<'_>,
) -> Diagnostic {
    match error {
        ParseError::UnrecognizedEof { location, .. } => {
            unfinished(file, stream, (*location).min(text.len()))
        }
        ParseError::UnrecognizedToken {
            token: (start, token, end),
            expected,
        } => unexpected(text, file, stream, (*start, *token, *end), expected),
        ParseError::ExtraToken {
            token: (start, token, end),
        } => unexpected(text, file, stream, (*start, *token, *end), &[]),
        ParseError::InvalidToken { location } => Diagnostic::error(
            "E0103",
            Span::new(file, *location, *location),
            "this has no meaning here",
        ),
        ParseError::User { .. } => {
            Diagnostic::error("E0103", Span::new(file, 0, 0), "this has no meaning here")
        }
    }
}

fn closing(token: Token<'_>) -> Option<(&'static str, &'static str)> {
    match token {
        Token::LParen => Some(("(", ")")),
        Token::LBracket => Some(("[", "]")),
        Token::LBrace => Some(("{", "}")),
        _ => None,
    }
}

/// The innermost bracket that is still open before a position.
fn open_bracket<'a>(stream: &[Spanned<'a>], before: usize) -> Option<Spanned<'a>> {
    let mut open = Vec::new();
    for &(start, token, end) in stream.iter().take_while(|token| token.0 < before) {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => open.push((start, token, end)),
            Token::RParen | Token::RBracket | Token::RBrace => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

fn unfinished(file: FileId, stream: &[Spanned<'_>], location: usize) -> Diagnostic {
    let end = Span::new(file, location, location);
    match open_bracket(stream, usize::MAX)
        .and_then(|(start, token, stop)| closing(token).map(|pair| (start, stop, pair)))
    {
        Some((start, stop, (open, close))) => Diagnostic::error(
            "E0106",
            end,
            format!("the file ends before this `{open}` is closed"),
        )
        .here(format!("`{close}` is missing"))
        .label(Span::new(file, start, stop), "opened here")
        .help(format!("add `{close}`")),
        None => Diagnostic::error("E0106", end, "the file ends in the middle of a statement")
            .help("finish the last line"),
    }
}

fn unexpected(
    text: &str,
    file: FileId,
    stream: &[Spanned<'_>],
    (start, token, end): Spanned<'_>,
    expected: &[String],
) -> Diagnostic {
    let span = Span::new(file, start, end);
    let before = stream.iter().take_while(|t| t.0 < start).last().copied();
    let found = match token {
        Token::Newline => "the end of the line".to_string(),
        _ => format!("`{}`", &text[start..end]),
    };
    let diagnostic = Diagnostic::error("E0107", span, format!("{found} cannot stand here"));
    let expects = |what: &str| expected.iter().any(|e| e.trim_matches('"') == what);
    let previous = before.map(|(s, _, e)| &text[s..e]);
    let first = line_start(stream, start)
        .map(|(s, _, e)| &text[s..e])
        .unwrap_or("");
    let help = match (token, previous) {
        (_, Some("def" | "function" | "func")) => "a function is written `fn name(x) { ... }`".to_string(),
        (_, Some("class")) => "a layer is written `layer name(config)(x: [n, d]) { ... }`".to_string(),
        (_, Some("return")) => "the last expression of a block is its value: leave `return` out".to_string(),
        (_, Some("import" | "from")) => "another file is imported by its path: `import \"file.dlm\"`; the standard library needs no import".to_string(),
        (_, Some("elif")) => "write `else if`".to_string(),
        (_, Some("lambda")) => "a function value is written `fn (x) { ... }`".to_string(),
        (_, Some("var" | "const" | "mut" | "auto" | "val")) => "a name is bound with `let name = value`".to_string(),
        (Token::Star, Some("*")) => "a power is written `x ^ 2`".to_string(),
        (Token::Eq, _) if first == "if" || first == "assert" => "a comparison is written `==`".to_string(),
        (Token::Colon, _) if matches!(first, "if" | "for" | "repeat" | "fn" | "layer") => "a body stands in braces: `{ ... }`".to_string(),
        (Token::LBrace, _) if open_bracket(stream, start).is_some() => "close the bracket before `{`".to_string(),
        (Token::RParen | Token::RBracket | Token::RBrace, _) => mismatched(stream, start, &found),
        (Token::Newline, _) if expects("{") => "a body in braces is missing: `{ ... }`".to_string(),
        (Token::Newline, _) => "finish the line".to_string(),
        (Token::Ident(_) | Token::Number(_) | Token::Str(_) | Token::LParen, Some(_)) if expects("+") || expects("NL") => {
            "two values stand side by side: put an operator or a comma between them, or start a new line".to_string()
        }
        (Token::Let | Token::Train | Token::Layer | Token::Param, _) => "start it on a line of its own".to_string(),
        _ if expects(")") => "`)` or a comma may be missing before it".to_string(),
        _ if expects("]") => "`]` or a comma may be missing before it".to_string(),
        _ if expects("=") => "`=` may be missing before it".to_string(),
        _ => "look at what stands before it".to_string(),
    };
    diagnostic.help(help)
}

fn line_start<'a>(stream: &[Spanned<'a>], before: usize) -> Option<Spanned<'a>> {
    let mut first = None;
    let mut fresh = true;
    for &(start, token, end) in stream.iter().take_while(|t| t.0 < before) {
        if fresh {
            first = Some((start, token, end));
        }
        fresh = matches!(token, Token::Newline | Token::LBrace);
    }
    first
}

fn mismatched(stream: &[Spanned<'_>], start: usize, found: &str) -> String {
    match open_bracket(stream, start).and_then(|(_, token, _)| closing(token)) {
        Some((open, close)) if found != format!("`{close}`") => {
            format!("the bracket that is open here is `{open}`: close it with `{close}` first")
        }
        Some(_) => "something is missing before it".into(),
        None => format!("no bracket is open here: remove {found}"),
    }
}

/// Whether a tree holds a part that did not parse.
pub fn has_errors(tree: &File) -> bool {
    tree.statements
        .iter()
        .any(|statement| statement.kind == StmtKind::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_parses() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/std")).unwrap() {
            let path = entry.unwrap().path();
            let mut sources = Sources::default();
            let file = sources.add(
                path.to_string_lossy().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            );
            let (_, diagnostics) = parse(&sources, file);
            let found: Vec<String> = diagnostics
                .iter()
                .map(|d| {
                    format!(
                        "{} {} {:?}",
                        sources.location(d.labels[0].span),
                        d.message,
                        d.help
                    )
                })
                .collect();
            assert!(found.is_empty(), "{found:#?}");
        }
    }
}
