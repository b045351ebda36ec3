//! What the grammar should not see: newlines that end no statement, brackets that do not match, words that have a meaning in some places only.
//!
//! Brackets are matched here, before the grammar runs, because a missing `)` would otherwise swallow the rest of the file (inside `(` and `[` a
//! newline is no token): the missing bracket is reported, put in, and parsing goes on.
use super::token::{MOST_ERRORS, Spanned, Token, Tokens};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Span};

/// Deepest nesting of brackets.
pub const MOST_NESTING: usize = 256;
/// Deepest tree: brackets and operators of one expression together. Bounds the recursion of every later stage.
pub const MOST_DEPTH: usize = 500;

/// The tokens of the grammar from what the lexer found.
pub fn settle<'a>(text: &'a str, file: FileId, raw: &[Spanned<'a>]) -> Tokens<'a> {
    let mut brackets = match_brackets(text, file, raw, false);
    if brackets.unclosed_brace {
        // A `}` is missing somewhere: read again, and let a statement at the left margin end every block.
        brackets = match_brackets(text, file, raw, true);
    }
    brackets.marks.append(&mut brackets.openers);
    let mut result = Tokens {
        stream: soft_words(text, brackets.kept),
        diagnostics: brackets.diagnostics,
        marks: brackets.marks,
        unclosed: brackets.unclosed,
    };
    drop_loose_documentation(&mut result.stream);
    if let Some(diagnostic) = too_deep(file, &result.stream) {
        result.stream.clear();
        result.unclosed = false;
        result.diagnostics = vec![diagnostic];
    }
    result
}

struct Brackets<'t, 'a> {
    text: &'a str,
    file: FileId,
    line_starts: Vec<usize>,
    raw: &'t [Spanned<'a>],
    /// The token after the newlines and documentation being read.
    next: usize,
    /// Whether a statement at the left margin closes every open block.
    margin: bool,
    kept: Vec<Spanned<'a>>,
    open: Vec<Spanned<'a>>,
    /// Where the `(` stand, in order, that follow a `for`.
    loops: Vec<usize>,
    /// A `{` whose `}` stands at another indentation: where a `}` is missing, most likely this one's.
    suspect: Option<Spanned<'a>>,
    diagnostics: Vec<Diagnostic>,
    marks: Vec<usize>,
    /// Where brackets stand whose end is missing.
    openers: Vec<usize>,
    unclosed: bool,
    unclosed_brace: bool,
}

fn match_brackets<'t, 'a>(
    text: &'a str,
    file: FileId,
    raw: &'t [Spanned<'a>],
    margin: bool,
) -> Brackets<'t, 'a> {
    let mut pass = Brackets {
        text,
        file,
        line_starts: std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect(),
        raw,
        next: 0,
        margin,
        kept: Vec::with_capacity(raw.len()),
        open: Vec::new(),
        loops: Vec::new(),
        suspect: None,
        diagnostics: Vec::new(),
        marks: Vec::new(),
        openers: Vec::new(),
        unclosed: false,
        unclosed_brace: false,
    };
    for at in 0..raw.len() {
        pass.step(at);
        if pass.open.len() > MOST_NESTING {
            return pass.nested_too_deep();
        }
    }
    pass.finish();
    pass
}

fn closing(token: Token<'_>) -> Option<Token<'static>> {
    match token {
        Token::LParen => Some(Token::RParen),
        Token::LBracket => Some(Token::RBracket),
        Token::LBrace => Some(Token::RBrace),
        _ => None,
    }
}

fn written(token: Token<'_>) -> &'static str {
    match token {
        Token::LParen => "(",
        Token::RParen => ")",
        Token::LBracket => "[",
        Token::RBracket => "]",
        Token::LBrace => "{",
        Token::RBrace => "}",
        _ => "",
    }
}

impl<'a> Brackets<'_, 'a> {
    fn step(&mut self, at: usize) {
        let Some(&(start, token, end)) = self.raw.get(at) else {
            return;
        };
        match token {
            Token::Doc(_) => {
                // After code on the same line `##` is a comment like any other.
                let first = at == 0 || self.token(at - 1) == Some(Token::Newline);
                if first && !self.inside() {
                    self.kept.push((start, token, end));
                }
            }
            Token::Newline => self.newline(at, (start, token, end)),
            Token::LParen | Token::LBracket | Token::LBrace => {
                if token == Token::LParen && self.kept.last().map(|t| t.1) == Some(Token::For) {
                    self.loops.push(start);
                }
                self.open.push((start, token, end));
                self.kept.push((start, token, end));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                self.close((start, token, end), at);
            }
            _ => self.kept.push((start, token, end)),
        }
    }

    fn token(&self, at: usize) -> Option<Token<'a>> {
        self.raw.get(at).map(|t| t.1)
    }

    /// Whether the innermost open bracket is `(` or `[`, where newlines do not count.
    fn inside(&self) -> bool {
        matches!(
            self.open.last(),
            Some((_, Token::LParen | Token::LBracket, _))
        )
    }

    fn newline(&mut self, at: usize, (start, token, end): Spanned<'a>) {
        if self.next <= at {
            // Kept from newline to newline, so that many empty lines are walked once.
            let follows =
                |next: &usize| !matches!(self.token(*next), Some(Token::Newline | Token::Doc(_)));
            self.next = (at + 1..self.raw.len())
                .find(follows)
                .unwrap_or(self.raw.len());
        }
        let next = Some(self.next).filter(|&next| next < self.raw.len());
        let semicolon = self.text.get(start..end) == Some(";");
        let fresh = next.is_some_and(|next| !semicolon && self.starts_statement(next));
        if let Some(next) = next.filter(|_| fresh && !self.open.is_empty()) {
            let left = self.raw[next].0;
            let at_margin = left == 0 || self.text.as_bytes().get(left - 1) == Some(&b'\n');
            if self.margin && at_margin {
                self.close_down_to(0, next);
            } else if self.inside() {
                let block = self.open.iter().rposition(|t| t.1 == Token::LBrace);
                self.close_down_to(block.map_or(0, |block| block + 1), next);
            }
        }
        if self.inside() {
            let counts = self
                .open
                .last()
                .filter(|open| semicolon && self.loops.binary_search(&open.0).is_ok());
            // The bracket of `for (i = 0; ...)`.
            if let Some(&(open, _, open_end)) = counts {
                let place = Span::new(self.file, open, open_end);
                self.report(
                    open,
                    Diagnostic::error("E0107", place, "a loop counts through a range")
                        .help("write `for i in 0..10 { ... }`"),
                );
            } else if semicolon {
                let place = Span::new(self.file, start, end);
                self.report(
                    start,
                    Diagnostic::error("E0104", place, "`;` cannot stand inside brackets")
                        .help("close the bracket before it, or put a comma"),
                );
            }
            return;
        }
        let before = self.kept.last().map(|t| t.1);
        let after = next.and_then(|next| self.token(next));
        let opens = matches!(before, Some(token) if !matches!(token, Token::LBrace | Token::Newline | Token::Doc(_)));
        if after == Some(Token::LBrace) && opens && !semicolon {
            self.brace_on_its_own_line(next);
        } else if ends_statement(semicolon, before, after) || fresh && opens {
            // A statement that begins ends the one before it, even where that is not finished.
            self.kept.push((start, token, end));
        }
    }

    /// No statement begins with `{`: a body's brace has slipped to the next line.
    fn brace_on_its_own_line(&mut self, brace: Option<usize>) {
        let Some(&(start, _, end)) = brace.and_then(|at| self.raw.get(at)) else {
            return;
        };
        let place = Span::new(self.file, start, end);
        let diagnostic = Diagnostic::error("E0107", place, "no statement begins with `{`")
            .help("put the `{` of a body at the end of the line before");
        self.report(start, diagnostic);
    }

    /// Whether what begins here can only be a statement: no expression has a word followed by a word.
    fn starts_statement(&self, at: usize) -> bool {
        use Token::*;
        let after = self.token(at + 1);
        let name = matches!(after, Some(Ident(_) | Over | With | To | From | On));
        match self.token(at) {
            Some(Let | For) => after != Some(Eq),
            Some(Fn) => name,
            Some(Ident(
                "layer" | "optimizer" | "param" | "state" | "hyper" | "train" | "save" | "load",
            )) => name,
            Some(Ident("import")) => matches!(after, Some(Str(_))),
            Some(Ident("print" | "plot" | "assert")) => name || matches!(after, Some(Str(_))),
            Some(Ident("repeat")) => name || matches!(after, Some(Number(_))),
            _ => false,
        }
    }

    /// Reports that brackets miss their end, and puts the ends in; `next` is the token that cannot stand inside them.
    fn close_down_to(&mut self, depth: usize, next: usize) {
        let Some(&innermost) = self.open.last().filter(|_| self.open.len() > depth) else {
            return;
        };
        let missing = self
            .suspect
            .filter(|_| innermost.1 == Token::LBrace)
            .unwrap_or(innermost);
        self.suspect = None;
        let stop = self.raw[next];
        let close = closing(missing.1).map_or("", written);
        let diagnostic = Diagnostic::error(
            "E0106",
            Span::new(self.file, missing.0, missing.2),
            format!("this `{}` is not closed", written(missing.1)),
        )
        .here(format!("`{close}` is missing"))
        .label(
            Span::new(self.file, stop.0, stop.2),
            "a new statement starts here",
        )
        .help(format!("add `{close}` before this line"));
        let place = self.put_closers(depth);
        self.report(place, diagnostic);
    }

    /// Closes brackets right after the last token; gives that place.
    fn put_closers(&mut self, depth: usize) -> usize {
        while matches!(self.kept.last(), Some((_, Token::Newline, _))) {
            self.kept.pop();
        }
        let place = self.kept.last().map_or(0, |t| t.2);
        while self.open.len() > depth {
            let open = self.open.pop();
            self.openers.extend(open.map(|t| t.0));
            if let Some(close) = open.and_then(|t| closing(t.1)) {
                self.kept.push((place, close, place));
            }
        }
        place
    }

    /// Goes past the closing bracket that is the raw token `at`.
    fn close(&mut self, (start, token, end): Spanned<'a>, at: usize) {
        let matching = self
            .open
            .iter()
            .rposition(|open| closing(open.1) == Some(token));
        let innermost = self.open.last().copied();
        let place = Span::new(self.file, start, end);
        match (matching, innermost) {
            (Some(depth), Some(open)) if depth + 1 == self.open.len() => {
                self.open.pop();
                self.note_indentation(open, start, at);
                self.kept.push((start, token, end));
            }
            (Some(depth), Some(open)) => {
                let close = closing(open.1).map_or("", written);
                let diagnostic = Diagnostic::error(
                    "E0106",
                    Span::new(self.file, open.0, open.2),
                    format!("this `{}` is not closed", written(open.1)),
                )
                .here(format!("`{close}` is missing"))
                .label(
                    place,
                    format!("`{}` closes a bracket further out", written(token)),
                )
                .help(format!("add `{close}` before this `{}`", written(token)));
                let mark = self.put_closers(depth + 1);
                self.open.pop();
                self.kept.push((start, token, end));
                self.report(mark, diagnostic);
            }
            (None, Some(open)) if open.1 != Token::LBrace => {
                let close = closing(open.1).unwrap_or(token);
                let diagnostic = Diagnostic::error(
                    "E0108",
                    place,
                    format!("`{}` does not close `{}`", written(token), written(open.1)),
                )
                .label(Span::new(self.file, open.0, open.2), "opened here")
                .help(format!("write `{}`", written(close)));
                self.open.pop();
                self.kept.push((start, close, end));
                self.report(start, diagnostic);
            }
            (_, Some(_) | None) => {
                let diagnostic = Diagnostic::error(
                    "E0108",
                    place,
                    format!(
                        "no bracket is open that this `{}` could close",
                        written(token)
                    ),
                )
                .help("remove it, or add the bracket that it closes");
                self.kept.push((start, Token::Error, end));
                self.report(start, diagnostic);
            }
        }
    }

    /// Keeps in mind a `{` that a `}` at another indentation closes.
    fn note_indentation(&mut self, open: Spanned<'a>, close: usize, at: usize) {
        let before = at.checked_sub(1).and_then(|at| self.raw.get(at));
        let own_line = before.is_none_or(|t| self.text.get(t.0..t.2) == Some("\n"));
        let indentation = |at: usize| {
            let line = self.line_before(at);
            line.len() - line.trim_start().len()
        };
        if own_line && open.1 == Token::LBrace && indentation(close) < indentation(open.0) {
            self.suspect.get_or_insert(open);
        } else if own_line && self.open.is_empty() {
            self.suspect = None;
        }
    }

    fn line_before(&self, at: usize) -> &'a str {
        let line = self.line_starts.partition_point(|&start| start <= at);
        let start = line
            .checked_sub(1)
            .and_then(|line| self.line_starts.get(line));
        self.text.get(start.copied().unwrap_or(0)..at).unwrap_or("")
    }

    /// Adds a diagnostic, except where the same line already has one of this pass.
    fn report(&mut self, mark: usize, diagnostic: Diagnostic) {
        let line_of = |at: usize| at - self.line_before(at).len();
        let known = self
            .marks
            .last()
            .is_some_and(|&last| last <= mark && line_of(last) == line_of(mark));
        if !known && self.diagnostics.len() < MOST_ERRORS {
            self.diagnostics.push(diagnostic);
        }
        self.marks.push(mark);
    }

    fn finish(&mut self) {
        let Some(&innermost) = self.open.last() else {
            return;
        };
        self.unclosed = true;
        self.unclosed_brace = self.open.iter().any(|open| open.1 == Token::LBrace);
        let missing = self
            .suspect
            .filter(|_| innermost.1 == Token::LBrace)
            .unwrap_or(innermost);
        let close = closing(missing.1).map_or("", written);
        let place = self.put_closers(0);
        let diagnostic = Diagnostic::error(
            "E0106",
            Span::new(self.file, missing.0, missing.2),
            format!("this `{}` is not closed", written(missing.1)),
        )
        .here(format!("`{close}` is missing"))
        .label(Span::new(self.file, place, place), "the file ends here")
        .help(format!("add `{close}`"));
        self.report(place, diagnostic);
    }

    fn nested_too_deep(mut self) -> Self {
        if let Some(&(start, _, end)) = self.open.last() {
            let message = format!("brackets are nested deeper than {MOST_NESTING}");
            self.diagnostics = vec![
                Diagnostic::error("E0105", Span::new(self.file, start, end), message)
                    .help("name the inner parts with `let`"),
            ];
        }
        self.kept.clear();
        self.unclosed = false;
        self.unclosed_brace = false;
        self
    }
}

/// Whether a newline (or `;`) between two tokens ends a statement.
fn ends_statement(semicolon: bool, before: Option<Token<'_>>, after: Option<Token<'_>>) -> bool {
    use Token::*;
    let nothing_before = matches!(before, None | Some(Newline | Doc(_) | LBrace));
    let nothing_after = matches!(after, None | Some(RBrace));
    if nothing_before || nothing_after {
        return false;
    }
    semicolon || !(matches!(after, Some(Pipe | Else)) || before.is_some_and(|token| goes_on(token)))
}

/// Whether a line that ends in this token goes on in the next.
pub fn goes_on(token: Token<'_>) -> bool {
    use Token::*;
    matches!(
        token,
        Comma
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
}

/// Gives the words that have a meaning in some places only their tokens there.
fn soft_words<'a>(text: &'a str, tokens: Vec<Spanned<'a>>) -> Vec<Spanned<'a>> {
    let mut result: Vec<Spanned<'a>> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(&(start, token, end)) = tokens.get(at) {
        let following = tokens.get(at + 1);
        if let (Token::Ident("at"), Some(&(_, Token::Ident("most"), most_end))) = (token, following)
        {
            result.push((start, Token::AtMost, most_end));
            at += 2;
            continue;
        }
        let neighbours = Neighbours {
            before: at.checked_sub(1).and_then(|at| tokens.get(at)).map(|t| t.1),
            after: following.map(|t| t.1),
            settled: result.last().map(|t| t.1),
            // Inside brackets no newline token is left, so the text decides.
            same_line: following
                .and_then(|next| text.get(end..next.0))
                .is_some_and(|between| !between.contains('\n')),
        };
        let word = text.get(start..end).unwrap_or("");
        result.push((start, soft_word(word, token, &neighbours), end));
        at += 1;
    }
    result
}

struct Neighbours<'a> {
    before: Option<Token<'a>>,
    after: Option<Token<'a>>,
    /// What the word before has become.
    settled: Option<Token<'a>>,
    same_line: bool,
}

fn soft_word<'a>(word: &'a str, token: Token<'a>, near: &Neighbours<'a>) -> Token<'a> {
    use Token::*;
    if !word.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return token;
    }
    let starts = matches!(near.before, None | Some(Newline | LBrace | Doc(_)));
    // After `.` and before a single `=` every word is a name; `let = 1` is all the same a `let` without a name.
    let keyword = matches!(token, Let | Fn | If | Else | For | Scan | Minimize);
    if near.before == Some(Dot) || near.after == Some(Eq) && !(starts && keyword) {
        return Ident(word);
    }
    let Ident(_) = token else { return token };
    let named = matches!(near.after, Some(Ident(_) | Over | With | To | From | On));
    match word {
        "sum" | "mean" | "max" | "min" | "prod" | "argmax"
            if near.after == Some(LBracket) && near.same_line =>
        {
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
        "import" if starts && matches!(near.after, Some(Str(_))) => Import,
        "print" if starts => Print,
        "plot" if starts => Plot,
        "assert" if starts => Assert,
        "repeat" if starts => Repeat,
        "until" if near.settled == Some(Repeat) => Until,
        "reverse" if near.before == Some(Scan) && near.after != Some(In) => Reverse,
        _ => token,
    }
}

/// Documentation stands before a declaration; elsewhere `##` is a comment.
fn drop_loose_documentation(stream: &mut Vec<Spanned<'_>>) {
    use Token::*;
    let mut documents = false;
    let mut after = None;
    let mut keep = vec![true; stream.len()];
    for (at, &(_, token, _)) in stream.iter().enumerate().rev() {
        if let Doc(_) = token {
            keep[at] = documents;
            continue;
        }
        documents = match token {
            Layer | Optimizer | Param | State | Hyper | Let => true,
            Fn => matches!(after, Some(Ident(_) | Over | With | To | From | On)),
            _ => false,
        };
        after = Some(token);
    }
    let mut keep = keep.into_iter();
    stream.retain(|_| keep.next().unwrap_or(true));
}

/// Depth of the tree under one bracket: of the expression being read, and of the deepest one before.
#[derive(Default, Clone, Copy)]
struct Level {
    operators: usize,
    inner: usize,
    deepest: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.deepest.max(self.operators + self.inner)
    }
}

/// An error where the tree would be deeper than [`MOST_DEPTH`]. A chain of operators is as deep as it is long.
fn too_deep(file: FileId, stream: &[Spanned<'_>]) -> Option<Diagnostic> {
    use Token::*;
    let mut levels = vec![Level::default()];
    for &(start, token, end) in stream {
        let level = levels.last_mut()?;
        match token {
            LParen | LBracket | LBrace => {
                level.operators += 1;
                levels.push(Level::default());
            }
            RParen | RBracket | RBrace => {
                let inner = levels.pop()?.depth();
                let outer = levels.last_mut()?;
                outer.inner = outer.inner.max(inner);
            }
            Comma | Newline => {
                *level = Level {
                    deepest: level.depth(),
                    ..Level::default()
                }
            }
            Dot | Pipe | EqEq | Ne | Lt | Le | Gt | Ge | Plus | Minus | Star | Slash
            | SlashSlash | Percent | At | Caret | And | Or | Not | Else | Minimize | Reducer(_) => {
                level.operators += 1
            }
            _ => {}
        }
        if levels.last()?.depth() > MOST_DEPTH {
            let message =
                format!("this expression has more than {MOST_DEPTH} operators within each other");
            return Some(
                Diagnostic::error("E0105", Span::new(file, start, end), message)
                    .help("name its parts with `let`"),
            );
        }
    }
    None
}
