//! The lines of a program as the author broke them: the words of each and its comment.
use super::super::token::{Token, lex, tokens};
use super::space::{Bracket, Role, Roles};
use crate::base::source::FileId;

/// A token that is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    pub text: &'a str,
    pub token: Token<'a>,
    pub role: Role,
    /// Whether a statement (or the setting of a `train`) begins here.
    pub fresh: bool,
}

/// A line of the author's, without its blanks.
#[derive(Debug, Clone, Default)]
pub struct Line<'a> {
    pub words: Vec<Word<'a>>,
    /// The comment at its end, from its `#`.
    pub comment: Option<&'a str>,
}

impl Line<'_> {
    pub fn is_blank(&self) -> bool {
        self.words.is_empty() && self.comment.is_none()
    }

    /// Whether the next line stands in a bracket that this one opens last.
    pub fn ends_open(&self) -> bool {
        matches!(self.words.last(), Some(word) if matches!(word.role, Role::Open(_)))
    }

    pub fn starts_closing(&self) -> bool {
        matches!(self.words.first(), Some(word) if matches!(word.role, Role::Close(..)))
    }
}

/// A comment without what a line must not end in.
pub fn without_end(comment: &str) -> &str {
    comment.trim_end_matches([' ', '\t', '\r', '\u{c}', '\u{feff}'])
}

/// The lines of a text that parses.
pub fn lines(text: &str) -> Vec<Line<'_>> {
    let (raw, _) = lex(text, FileId(0));
    let settled = tokens(text, FileId(0)).stream;
    let mut reader = Reader {
        lines: Vec::new(),
        line: Line::default(),
        fresh: true,
        roles: Roles::default(),
    };
    let mut end = 0;
    let mut next = 0;
    // The first token from here on that is no `;`.
    let mut beyond = 0;
    for (at, &(start, token, stop)) in raw.iter().enumerate() {
        reader.comment_in(text.get(end..start).unwrap_or(""));
        end = stop;
        while settled.get(next).is_some_and(|t| t.0 < start) {
            next += 1;
        }
        let kept = settled.get(next).filter(|t| t.0 == start).map(|t| t.1);
        let word = text.get(start..stop).unwrap_or("");
        match token {
            Token::Doc(doc) => reader.line.comment = Some(without_end(doc)),
            Token::Newline if word == ";" => {
                // Empty statements between them go.
                beyond = beyond.max(at + 1);
                while raw
                    .get(beyond)
                    .is_some_and(|t| text.get(t.0..t.2) == Some(";"))
                {
                    beyond += 1;
                }
                let following = raw.get(beyond).map(|t| t.1);
                reader.semicolon(word, kept.is_some(), following);
            }
            Token::Newline => {
                reader.fresh |= kept.is_some();
                reader.end_line();
            }
            // The second half of `at most` is no token of its own.
            _ => reader.word(word, kept.unwrap_or(Token::AtMost)),
        }
    }
    reader.comment_in(text.get(end..).unwrap_or(""));
    reader.end_line();
    reader.lines
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    line: Line<'a>,
    /// Whether a statement has ended since the last word.
    fresh: bool,
    roles: Roles,
}

impl<'a> Reader<'a> {
    /// Between two tokens stand blanks, and at most one comment, since a newline is a token.
    fn comment_in(&mut self, gap: &'a str) {
        if let Some(comment) = gap.find('#').and_then(|start| gap.get(start..)) {
            self.line.comment = Some(without_end(comment));
        }
    }

    fn end_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
    }

    fn word(&mut self, text: &'a str, token: Token<'a>) {
        let role = self.roles.next(token, self.fresh);
        let fresh = std::mem::replace(&mut self.fresh, role == Role::Open(Bracket::Brace));
        self.line.words.push(Word {
            text,
            token,
            role,
            fresh,
        });
    }

    /// A `;` stays where it parts two statements of one line, and where a `##` after it would turn from documentation into a comment.
    fn semicolon(&mut self, text: &'a str, kept: bool, following: Option<Token<'a>>) {
        let parts = match following {
            Some(Token::Doc(_)) => true,
            Some(Token::Newline) | None => false,
            Some(_) => kept,
        };
        if parts && !self.line.words.is_empty() {
            self.word(text, Token::Newline);
        }
        self.fresh |= kept;
    }
}
