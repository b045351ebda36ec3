//! How far each line is indented: one step within the line that opens its bracket, one further where a statement goes on.
use super::super::token::Token;
use super::STEP;
use super::lines::{Line, Word};
use super::space::{Bracket, Role};

/// Lines that are of the same kind and stand below each other have their `=` in one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `param name: type = value`
    Param,
    /// `state name: type = value`
    State,
    /// `hyper name: type = value`
    Hyper,
    /// `let name: type = value`
    Let,
    /// `name = value` in a `train`
    Setting,
}

/// An `=` of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    pub kind: Kind,
    /// The byte of the line's code where it stands.
    pub at: usize,
}

/// Where a line stands, and what it is.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// In blanks.
    pub indent: usize,
    pub kind: Option<Kind>,
}

/// What is open around a word.
struct Frame {
    bracket: Option<Bracket>,
    /// Of the line with the bracket.
    outer: usize,
    /// Of a line that begins an item.
    inner: usize,
    /// Of the line where the present item (a statement, an argument) began.
    item: usize,
    /// Whether the next word begins an item.
    starting: bool,
    /// Whether a `train` waits for its settings.
    train: bool,
    /// Whether these are the settings of a `train`.
    settings: bool,
}

/// The places of all lines.
pub fn places(lines: &[Line<'_>]) -> Vec<Place> {
    let mut upcoming: Vec<Option<&Word<'_>>> = Vec::with_capacity(lines.len());
    let mut next = None;
    for line in lines.iter().rev() {
        next = line.words.first().or(next);
        upcoming.push(next);
    }
    let mut frames = Frames {
        open: Vec::new(),
        base: Frame {
            bracket: None,
            outer: 0,
            inner: 0,
            item: 0,
            starting: true,
            train: false,
            settings: false,
        },
    };
    let ahead = upcoming.into_iter().rev();
    lines
        .iter()
        .zip(ahead)
        .map(|(line, ahead)| {
            let own = line.words.first();
            let indent = match own {
                Some(first) => frames.indent_of_code(first),
                None => frames.indent_of_comment(ahead),
            };
            let kind = frames.kind(line);
            for word in &line.words {
                frames.pass(word, indent);
            }
            Place { indent, kind }
        })
        .collect()
}

struct Frames {
    open: Vec<Frame>,
    base: Frame,
}

impl Frames {
    fn top(&self) -> &Frame {
        self.open.last().unwrap_or(&self.base)
    }

    fn top_mut(&mut self) -> &mut Frame {
        self.open.last_mut().unwrap_or(&mut self.base)
    }

    fn indent_of_code(&self, first: &Word<'_>) -> usize {
        let top = self.top();
        match (first.role, first.token) {
            (Role::Close(..), _) => top.outer,
            _ if top.starting || first.fresh => top.inner,
            (_, Token::Else) => top.item,
            _ => top.item + STEP,
        }
    }

    /// A comment belongs to the code that follows it; before the end of a block, to the block.
    fn indent_of_comment(&self, ahead: Option<&Word<'_>>) -> usize {
        match ahead {
            Some(word) if !matches!(word.role, Role::Close(..)) => self.indent_of_code(word),
            Some(_) | None => self.top().inner,
        }
    }

    /// What kind of line this is, where its `=` may be aligned.
    fn kind(&self, line: &Line<'_>) -> Option<Kind> {
        let first = line.words.first().filter(|word| word.fresh)?;
        let role = |at: usize| line.words.get(at).map(|word| word.role);
        if self.top().settings {
            return (role(1) == Some(Role::Binary)).then_some(Kind::Setting);
        }
        let kind = match first.token {
            Token::Param => Kind::Param,
            Token::State => Kind::State,
            Token::Hyper => Kind::Hyper,
            Token::Let => Kind::Let,
            _ => return None,
        };
        (role(2) == Some(Role::Annotation)).then_some(kind)
    }

    /// Goes past a word of a line with that indentation.
    fn pass(&mut self, word: &Word<'_>, indent: usize) {
        if matches!(word.role, Role::Close(..)) {
            self.open.pop();
            return;
        }
        let top = self.top_mut();
        if top.starting || word.fresh {
            top.item = indent;
            top.starting = false;
            top.train = word.token == Token::Train;
        }
        match word.role {
            Role::Comma => {
                top.starting = matches!(top.bracket, Some(Bracket::Round | Bracket::Square))
            }
            Role::Open(bracket) => {
                let settings = bracket == Bracket::Brace && std::mem::take(&mut top.train);
                self.open.push(Frame {
                    bracket: Some(bracket),
                    outer: indent,
                    inner: indent + STEP,
                    item: indent,
                    starting: true,
                    train: false,
                    settings,
                });
            }
            _ => {}
        }
    }
}
