//! Blanks between the words of a line, by the part that each word plays.
use super::super::token::Token;
use super::indent::{Kind, Value};
use super::lines::{Line, Word};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bracket {
    Round,
    Square,
    Brace,
}

/// What a word does where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A name or a literal.
    Operand,
    /// A word of the language.
    Keyword,
    /// An operator between two operands, `=`, `->`.
    Binary,
    /// The minus of a negative number.
    Prefix,
    Open(Bracket),
    /// Whether it ends an operand: the bracket of `sum[i]` does not.
    Close(Bracket, bool),
    Comma,
    Semicolon,
    /// The colon before a type.
    Annotation,
    /// The colon of a slice.
    Slice,
    Dot,
    Range,
}

impl Role {
    fn ends_operand(self) -> bool {
        matches!(self, Role::Operand | Role::Close(_, true))
    }
}

/// Finds the roles of the words of a program, one after the other.
#[derive(Debug, Default)]
pub struct Roles {
    before: Option<(Role, bool)>,
    /// The open brackets, each with whether it closes an operand.
    open: Vec<(Bracket, bool)>,
}

impl Roles {
    /// The role of the next word; `fresh` where it begins a statement.
    pub fn next(&mut self, token: Token<'_>, fresh: bool) -> Role {
        let (before, reducer) = self.before.unwrap_or((Role::Semicolon, false));
        let after_operand = !fresh && before.ends_operand();
        let role = match token {
            Token::Ident(_) | Token::Number(_) | Token::Str(_) | Token::Reducer(_) => Role::Operand,
            Token::True | Token::False | Token::ForeignComment | Token::Error => Role::Operand,
            // Names, except where the grammar wants the word: after an operand.
            Token::Over | Token::With | Token::To | Token::From | Token::On => {
                if after_operand {
                    Role::Keyword
                } else {
                    Role::Operand
                }
            }
            Token::Let | Token::Fn | Token::If | Token::Else | Token::For | Token::In => {
                Role::Keyword
            }
            Token::Scan | Token::Minimize | Token::Reverse | Token::Not => Role::Keyword,
            Token::Layer | Token::Optimizer | Token::Param | Token::State => Role::Keyword,
            Token::Hyper | Token::Import | Token::Print | Token::Plot => Role::Keyword,
            Token::Save | Token::Load | Token::Assert | Token::Train => Role::Keyword,
            Token::Repeat | Token::Until | Token::AtMost | Token::Doc(_) => Role::Keyword,
            Token::Minus if !after_operand => Role::Prefix,
            Token::Minus | Token::Plus | Token::Star | Token::Slash => Role::Binary,
            Token::SlashSlash | Token::Percent | Token::At | Token::Caret => Role::Binary,
            Token::And | Token::Or | Token::Pipe | Token::Arrow | Token::Eq => Role::Binary,
            Token::EqEq | Token::Ne | Token::Lt | Token::Le => Role::Binary,
            Token::Gt | Token::Ge => Role::Binary,
            Token::LParen => self.opened(Bracket::Round, true),
            Token::LBracket => self.opened(Bracket::Square, !reducer),
            Token::LBrace => self.opened(Bracket::Brace, true),
            Token::RParen => self.closed(Bracket::Round),
            Token::RBracket => self.closed(Bracket::Square),
            Token::RBrace => self.closed(Bracket::Brace),
            Token::Comma => Role::Comma,
            Token::Newline => Role::Semicolon,
            Token::Colon if matches!(self.open.last(), Some((Bracket::Square, _))) => Role::Slice,
            Token::Colon => Role::Annotation,
            Token::Dot => Role::Dot,
            Token::DotDot | Token::DotDotEq => Role::Range,
        };
        self.before = Some((role, matches!(token, Token::Reducer(_))));
        role
    }

    fn opened(&mut self, bracket: Bracket, ends_operand: bool) -> Role {
        self.open.push((bracket, ends_operand));
        Role::Open(bracket)
    }

    fn closed(&mut self, bracket: Bracket) -> Role {
        let ends_operand = self.open.pop().is_none_or(|open| open.1);
        Role::Close(bracket, ends_operand)
    }
}

/// Whether a blank stands between two words of one line.
fn apart(left: Role, right: Role) -> bool {
    use Bracket::{Brace, Round, Square};
    match (left, right) {
        (_, Role::Comma | Role::Semicolon | Role::Close(Round | Square, _)) => false,
        (Role::Open(Round | Square) | Role::Prefix, _) => false,
        (Role::Open(Brace), Role::Close(Brace, _)) => false,
        (Role::Open(Brace), _) | (_, Role::Close(Brace, _)) => true,
        (Role::Comma | Role::Semicolon | Role::Binary | Role::Keyword, _) => true,
        (Role::Dot | Role::Range | Role::Slice, _) => false,
        (_, Role::Dot | Role::Range | Role::Slice | Role::Annotation) => false,
        (Role::Annotation, _) => true,
        // A call, an access, or a bracket of its own.
        (left, Role::Open(Round | Square)) => !left.ends_operand(),
        (Role::Operand | Role::Close(..), _) => true,
    }
}

/// The words of a line with the blanks between them, and where the `=` stands that is aligned with those of its neighbours.
pub fn code(line: &Line<'_>, kind: Option<Kind>) -> (String, Option<Value>) {
    let mut text = String::new();
    let mut value = None;
    let mut depth = 0usize;
    let mut left: Option<&Word<'_>> = None;
    for word in &line.words {
        if left.is_some_and(|left| apart(left.role, word.role)) {
            text.push(' ');
        }
        match (word.token, kind) {
            (Token::Eq, Some(kind)) if depth == 0 && value.is_none() => {
                value = Some(Value {
                    kind,
                    at: text.len(),
                });
            }
            _ => {}
        }
        match word.role {
            Role::Open(_) => depth += 1,
            Role::Close(..) => depth = depth.saturating_sub(1),
            _ => {}
        }
        text.push_str(word.text);
        left = Some(word);
    }
    (text, value)
}
