//! What the prompt and the language server both know of a text: the words of the language, the word and the call at the cursor.

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
