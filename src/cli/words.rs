//! What the prompt and the language server both know of a text: the words of the language, the word and the call at the cursor.
use crate::base::source::FileId;
use crate::syntax::token::{self, Token};

/// Words of the language that are completed beside names.
pub const WORDS: &[&str] = &[
    "and",
    "assert",
    "at_most",
    "else",
    "false",
    "fn",
    "for",
    "hyper",
    "if",
    "import",
    "in",
    "layer",
    "let",
    "load",
    "minimize",
    "none",
    "not",
    "on",
    "optimizer",
    "or",
    "over",
    "param",
    "plot",
    "print",
    "repeat",
    "reverse",
    "save",
    "scan",
    "state",
    "to",
    "train",
    "true",
    "until",
    "with",
];

/// Where the name or path begins that ends a text: `net.dense` of `y = net.dense`.
pub fn path_start(before: &str) -> usize {
    before
        .char_indices()
        .rev()
        .find(|(_, c)| !(is_word(*c) || *c == '.'))
        .map_or(0, |(at, c)| at + c.len_utf8())
}

/// Whether a character may stand in a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_′₀₁₂₃₄₅₆₇₈₉".contains(c)
}

/// A call that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// What is called.
    pub name: &'a str,
    /// Whether its first input comes through a pipe, `x |> name(`.
    pub is_piped: bool,
}

/// The call whose parenthesis is the innermost that is open at the end of a text.
pub fn called(text: &str) -> Option<Call<'_>> {
    let mut depth = 0usize;
    let open = text.char_indices().rev().find(|(_, c)| match c {
        ')' => {
            depth += 1;
            false
        }
        '(' if depth == 0 => true,
        '(' => {
            depth -= 1;
            false
        }
        _ => false,
    })?;
    let before = text[..open.0].trim_end();
    let start = before
        .char_indices()
        .rev()
        .find(|(_, c)| !is_word(*c))
        .map_or(0, |(at, c)| at + c.len_utf8());
    (start < before.len()).then(|| Call {
        name: &before[start..],
        is_piped: before[..start].trim_end().ends_with("|>"),
    })
}

/// Whether a text ends in the settings of a `train`, where a setting begins.
pub fn is_train_block(before: &str) -> bool {
    let line_is_empty = before
        .rsplit(['\n', '{', ';'])
        .next()
        .is_some_and(|line| line.trim().is_empty());
    let (tokens, _) = token::lex(before, FileId(0));
    let mut depth = 0usize;
    let open = tokens.iter().rposition(|(_, token, _)| match token {
        Token::RBrace | Token::RParen | Token::RBracket => {
            depth += 1;
            false
        }
        Token::LBrace | Token::LParen | Token::LBracket if depth > 0 => {
            depth -= 1;
            false
        }
        Token::LBrace | Token::LParen | Token::LBracket => true,
        _ => false,
    });
    let Some(open) = open.filter(|_| line_is_empty) else {
        return false;
    };
    let head = tokens.get(..open).unwrap_or_default();
    let start = head.iter().rposition(|t| t.1 == Token::Newline);
    let first = head.get(start.map_or(0, |at| at + 1));
    matches!(tokens.get(open), Some((_, Token::LBrace, _)))
        && matches!(first, Some((_, Token::Ident("train"), _)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_train_are_known_by_their_brace() {
        assert!(is_train_block("train net on d {\n    "));
        assert!(is_train_block(
            "train net on d {\n    loss = fn (b) { b.x }\n    "
        ));
        assert!(!is_train_block("train net on d {\n    loss = "));
        assert!(!is_train_block("layer f(x) {\n    "));
        assert!(!is_train_block("train net on d {\n    loss = fn (b) {\n "));
    }
}
