//! Runs the grammar. The one file that names lalrpop's types.
//!
//! Top-level statements are parsed one by one. Where one does not parse, the innermost statement with the mistake is reported, replaced by one
//! `Token::Error`, and the rest read again: so a mistake costs its own statement and nothing around it.
use super::ast::{Expr, ExprKind, File, Stmt, StmtKind};
use super::explain::{Situation, explain};
use super::literal::Log;
use super::token::{MOST_ERRORS, Spanned, Token, Tokens, tokens};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Sources, Span};
use lalrpop_util::ParseError;
use std::ops::Range;

#[allow(clippy::all, clippy::undocumented_unsafe_blocks, missing_docs, unused)]
mod grammar {
    lalrpop_util::lalrpop_mod!(pub dlm);
}

/// An error of the token stream or of an action: there is none, what is wrong in them goes to the [`Log`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {}

impl std::fmt::Display for Failure {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

type GrammarError<'a> = ParseError<usize, Token<'a>, Failure>;

/// Parses a file. There is always a tree; what did not parse is [`StmtKind::Error`] or [`ExprKind::Error`] in it and a diagnostic.
/// Diagnostics come in the order of the text.
pub fn parse(sources: &Sources, file: FileId) -> (File, Vec<Diagnostic>) {
    parse_from(sources, file, 0)
}

/// Parses what stands in a file from byte `start` on, which begins a line.
pub fn parse_from(sources: &Sources, file: FileId, start: usize) -> (File, Vec<Diagnostic>) {
    let outcome = parse_text(&sources.file(file).text, file, start);
    (outcome.tree, outcome.diagnostics)
}

/// Parses a file that is one expression. What does not parse is [`ExprKind::Error`] and a diagnostic.
pub fn parse_expression(sources: &Sources, file: FileId) -> (Expr, Vec<Diagnostic>) {
    expression_at(&sources.file(file).text, file, 0)
}

/// Whether a text only lacks its end: then a prompt asks for the next line.
pub fn is_incomplete(text: &str) -> bool {
    let outcome = parse_text(text, FileId(0), 0);
    outcome.ends_early && outcome.diagnostics.len() == 1
}

/// Whether a tree holds a statement that did not parse.
pub fn has_errors(tree: &File) -> bool {
    tree.statements
        .iter()
        .any(|statement| statement.kind == StmtKind::Error)
}

struct Outcome {
    tree: File,
    diagnostics: Vec<Diagnostic>,
    /// Whether a bracket is open at the end, or the last statement lacks its end.
    ends_early: bool,
}

fn parse_text(text: &str, file: FileId, start: usize) -> Outcome {
    let mut found = tokens(text.get(start..).unwrap_or_default(), file);
    found.shift(start);
    let Tokens {
        stream,
        diagnostics,
        mut marks,
        unclosed,
    } = found;
    marks.sort_unstable();
    let mut run = Run {
        text,
        file,
        marks,
        diagnostics,
        ends_early: unclosed,
        follows: None,
    };
    let mut statements = Vec::new();
    for (chunk, last) in chunks(&stream) {
        if run.is_part_of_a_mistake(chunk) {
            continue;
        }
        statements.extend(run.statements(chunk.to_vec(), last));
        if run.diagnostics.len() >= MOST_ERRORS {
            break;
        }
    }
    Outcome {
        tree: File { statements },
        ends_early: run.ends_early,
        diagnostics: finished(run.diagnostics),
    }
}

/// In order of the text, none twice, and not more than a reader can use.
fn finished(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|d| d.labels.first().map(|label| label.span));
    diagnostics.dedup();
    if diagnostics.len() > MOST_ERRORS {
        diagnostics.truncate(MOST_ERRORS);
        if let Some(last) = diagnostics.last_mut() {
            last.notes
                .push("there are more errors after this one".into());
        }
    }
    diagnostics
}

/// The top-level statements, each with whether it is the last.
fn chunks<'t, 'a>(stream: &'t [Spanned<'a>]) -> impl Iterator<Item = (&'t [Spanned<'a>], bool)> {
    let mut depth = 0usize;
    let mut rest = stream;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|(_, token, _)| {
            match token {
                Token::LBrace | Token::LParen | Token::LBracket => depth += 1,
                Token::RBrace | Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && *token == Token::Newline
        });
        let (chunk, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.get(1..).unwrap_or_default();
        Some((chunk, end.is_none()))
    })
}

struct Run<'t> {
    text: &'t str,
    file: FileId,
    /// Positions that a diagnostic speaks of, in order.
    marks: Vec<usize>,
    diagnostics: Vec<Diagnostic>,
    ends_early: bool,
    /// What of the next lines belongs to the mistake just reported.
    follows: Option<Follows>,
}

/// Lines that belong to a mistake: they are not read, since whatever is said of them would follow from it.
#[derive(Clone, Copy, PartialEq)]
enum Follows {
    /// The lines indented deeper than this, which a head that ends in `:` or lacks its `{` would hold.
    Deeper(usize),
    /// Further imports of libraries.
    Imports,
}

impl Run<'_> {
    /// Whether a top-level statement belongs to the mistake before it.
    fn is_part_of_a_mistake(&mut self, chunk: &[Spanned<'_>]) -> bool {
        let Some((follows, first)) = self.follows.zip(chunk.first()) else {
            return false;
        };
        let belongs = match follows {
            Follows::Deeper(head) => {
                let further =
                    matches!(first.1, Token::Ident("elif" | "except" | "finally" | "end"));
                self.indentation(first.0)
                    .is_some_and(|own| own > head || own == head && further)
            }
            Follows::Imports => {
                let second = chunk.get(1).map(|t| t.1);
                matches!(first.1, Token::Ident("import" | "using") | Token::From)
                    && matches!(second, Some(Token::Ident(_)))
            }
        };
        if !belongs {
            self.follows = None;
        }
        belongs
    }

    /// How far the line is indented that begins with the token at this byte.
    fn indentation(&self, at: usize) -> Option<usize> {
        let before = self.text.get(..at)?;
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        before
            .get(line..)?
            .chars()
            .all(char::is_whitespace)
            .then_some(at - line)
    }

    /// A statement with the lines that only its indentation marks as its body.
    fn with_indented_lines(
        &mut self,
        chunk: &[Spanned<'_>],
        range: Range<usize>,
        lacks_body: bool,
    ) -> Range<usize> {
        let first = chunk.get(range.start).map(|t| t.0);
        let Some(head) = first.and_then(|start| self.indentation(start)) else {
            return range;
        };
        let colon = chunk.get(range.end - 1).map(|t| t.1) == Some(Token::Colon);
        if !colon && !lacks_body {
            return range;
        }
        let mut end = range.end;
        while let Some((_, Token::Newline, _)) = chunk.get(end)
            && let Some(next) = chunk.get(end + 1)
            && self.indentation(next.0).is_some_and(|own| own > head)
        {
            end = statement_around(chunk, end + 1).end.max(end + 2);
        }
        if end >= chunk.len() {
            self.follows = Some(Follows::Deeper(head));
        }
        range.start..end
    }

    fn statements(&mut self, mut chunk: Vec<Spanned<'_>>, last: bool) -> Vec<Stmt> {
        // Each turn replaces at least one token more by `Error`; the count only guards the reader's patience.
        for _ in 0..MOST_ERRORS {
            let log = Log::new(self.file);
            let stream = chunk.iter().copied().map(Ok::<_, Failure>);
            let outcome = grammar::dlm::StatementsParser::new().parse(&log, stream);
            self.diagnostics.extend(log.into_diagnostics());
            match outcome {
                Ok(statements) => return statements,
                Err(error) => {
                    let (at, expected) = place(&chunk, error);
                    if !self.recover(&mut chunk, at, &expected, last) {
                        break;
                    }
                }
            }
        }
        self.error_statement(&chunk)
    }

    /// Reports the token `at` and replaces its statement; false where that would change nothing.
    fn recover(
        &mut self,
        chunk: &mut Vec<Spanned<'_>>,
        at: usize,
        expected: &[String],
        last: bool,
    ) -> bool {
        let range = statement_around(chunk, at);
        let Some((first, final_token)) = chunk.get(range.start).zip(chunk.get(range.end - 1))
        else {
            return false;
        };
        let (start, end) = (first.0, final_token.2);
        // What stands before the place that a diagnostic speaks of does not follow from it.
        let found = chunk.get(at).map_or(end, |t| t.0);
        let mark = self.marks.partition_point(|&mark| mark < start);
        let known = self.marks.get(mark).is_some_and(|&mark| mark <= found);
        if !known {
            let situation = Situation {
                text: self.text,
                file: self.file,
                stream: chunk,
                at,
                statement: range.clone(),
                expected,
                last,
            };
            self.diagnostics.push(explain(&situation));
            self.ends_early |= last && at >= chunk.len();
        }
        let fresh = range.len() > 1 || first.1 != Token::Error;
        let ends = chunk.get(at).is_none_or(|t| t.1 == Token::Newline);
        let lacks_body = ends && expected.iter().any(|terminal| terminal == "\"{\"");
        let range = self.with_indented_lines(chunk, range, lacks_body);
        if range.start == 0 && matches!(first.1, Token::Ident("import" | "using") | Token::From) {
            self.follows = Some(Follows::Imports);
        }
        let end = chunk.get(range.end - 1).map_or(end, |t| t.2);
        chunk.splice(range, [(start, Token::Error, end)]);
        fresh
    }

    fn error_statement(&self, chunk: &[Spanned<'_>]) -> Vec<Stmt> {
        let ends = chunk.first().zip(chunk.last());
        let statement = ends.map(|(first, last)| Stmt {
            kind: StmtKind::Error,
            span: Span::new(self.file, first.0, last.2),
            doc: None,
        });
        statement.into_iter().collect()
    }
}

/// Where the grammar stopped, and what it would take there.
fn place(chunk: &[Spanned<'_>], error: GrammarError<'_>) -> (usize, Vec<String>) {
    match error {
        ParseError::UnrecognizedToken { token, expected } => (
            chunk
                .iter()
                .position(|t| *t == token)
                .unwrap_or(chunk.len()),
            expected,
        ),
        ParseError::UnrecognizedEof { expected, .. } => (chunk.len(), expected),
        ParseError::ExtraToken { .. } | ParseError::InvalidToken { .. } => {
            (chunk.len(), Vec::new())
        }
        ParseError::User { error } => match error {},
    }
}

/// The innermost statement (or setting) that holds the token `at`; where that is a separator, the one before it. Never empty in a chunk that
/// is not.
fn statement_around(chunk: &[Spanned<'_>], at: usize) -> Range<usize> {
    let mut depth = 0usize;
    let mut start = at.min(chunk.len());
    while let Some((_, token, _)) = start.checked_sub(1).and_then(|before| chunk.get(before)) {
        match token {
            Token::RBrace => depth += 1,
            Token::LBrace if depth == 0 => break,
            Token::LBrace => depth -= 1,
            Token::Newline if depth == 0 => break,
            _ => {}
        }
        start -= 1;
    }
    let mut end = at.min(chunk.len());
    depth = 0;
    while let Some((_, token, _)) = chunk.get(end) {
        match token {
            Token::LBrace => depth += 1,
            Token::RBrace if depth == 0 => break,
            Token::RBrace => depth -= 1,
            Token::Newline if depth == 0 => break,
            _ => {}
        }
        end += 1;
    }
    if start < end {
        return start..end;
    }
    // An empty statement: take the separator with it.
    let start = start.min(chunk.len().saturating_sub(1));
    start..(start + 1).min(chunk.len()).max(1)
}

/// Parses an expression that stands `offset` bytes into its file.
pub fn expression_at(text: &str, file: FileId, offset: usize) -> (Expr, Vec<Diagnostic>) {
    let mut found = tokens(text, file);
    found.shift(offset);
    let log = Log::new(file);
    let stream = found.stream.iter().copied().map(Ok::<_, Failure>);
    let outcome = grammar::dlm::AloneParser::new().parse(&log, stream);
    let mut diagnostics = found.diagnostics;
    diagnostics.extend(log.into_diagnostics());
    let value = outcome.unwrap_or_else(|error| {
        if diagnostics.is_empty() {
            let (at, expected) = place(&found.stream, error);
            // Positions of the tokens are those of the file, the text is only the expression's.
            let local: Vec<Spanned<'_>> = found
                .stream
                .iter()
                .map(|&(start, token, end)| (start - offset, token, end - offset))
                .collect();
            let mut diagnostic = explain(&Situation {
                text,
                file,
                stream: &local,
                at,
                statement: 0..local.len(),
                expected: &expected,
                last: true,
            });
            for label in &mut diagnostic.labels {
                label.span.start += offset as u32;
                label.span.end += offset as u32;
            }
            diagnostics.push(diagnostic);
        }
        Expr {
            kind: ExprKind::Error,
            span: Span::new(file, offset, offset + text.len()),
        }
    });
    (value, finished(diagnostics))
}

/// `target = value`; only names and paths can be assigned.
pub fn assign(target: Expr, value: Expr, log: &Log) -> StmtKind {
    let mut base = &target;
    while let ExprKind::Field(inner, _) = &base.kind {
        base = inner;
    }
    let help = match &base.kind {
        ExprKind::Name(_) | ExprKind::Error => return StmtKind::Assign { target, value },
        ExprKind::Index(..) => "define a whole tensor by its elements: `let y[i] = ...`",
        ExprKind::Call(..) => {
            "bind the instance first, `let f = ...`, then assign `f.name`; a function is written `fn f(x) { ... }`"
        }
        ExprKind::Tuple(_) => "bind several names with `let (a, b) = ...`",
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Str(_)
        | ExprKind::Bool(_)
        | ExprKind::Rest(_)
        | ExprKind::List(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Pipe(..)
        | ExprKind::Field(..)
        | ExprKind::Reduce(..)
        | ExprKind::Lambda(_)
        | ExprKind::If(..)
        | ExprKind::Scan(_)
        | ExprKind::Minimize { .. } => "a comparison is written `==`",
    };
    log.add(
        Diagnostic::error(
            "E0110",
            target.span,
            "only a name or a path, `f.theta`, can be assigned",
        )
        .help(help),
    );
    StmtKind::Error
}
