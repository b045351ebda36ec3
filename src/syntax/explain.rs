//! A grammar error in the user's words: what was found, what could stand there, and how common mistakes are mended.
use super::elsewhere::OF_OTHER_LANGUAGES;
use super::token::{Spanned, Token};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Span};
use std::ops::Range;

/// Where the grammar stopped.
pub struct Situation<'s, 'a> {
    /// The text that the positions refer to.
    pub text: &'s str,
    /// Its file.
    pub file: FileId,
    /// The tokens.
    pub stream: &'s [Spanned<'a>],
    /// The token that cannot stand where it does; the number of tokens where they end too early.
    pub at: usize,
    /// The innermost statement around it.
    pub statement: Range<usize>,
    /// The terminals of the grammar that could stand there.
    pub expected: &'s [String],
    /// Whether the text ends after these tokens.
    pub last: bool,
}

impl<'a> Situation<'_, 'a> {
    pub(super) fn token(&self, at: usize) -> Option<Token<'a>> {
        self.stream.get(at).map(|t| t.1)
    }

    pub(super) fn found(&self) -> Option<Token<'a>> {
        self.token(self.at)
    }

    pub(super) fn before(&self) -> Option<Token<'a>> {
        self.at.checked_sub(1).and_then(|at| self.token(at))
    }

    pub(super) fn first(&self) -> Option<Token<'a>> {
        self.token(self.statement.start)
    }

    /// Where the token `at` stands; after the last token, right behind it. A newline has its place at the end of its line's last token.
    pub(super) fn range(&self, at: usize) -> Range<usize> {
        let previous_end = at
            .checked_sub(1)
            .and_then(|at| self.stream.get(at))
            .map_or(0, |t| t.2);
        match self.stream.get(at) {
            Some((start, Token::Newline, end)) if self.text.get(*start..*end) != Some(";") => {
                previous_end..previous_end
            }
            Some((start, _, end)) => *start..*end,
            None => previous_end..previous_end,
        }
    }

    pub(super) fn written(&self, at: usize) -> &str {
        self.text.get(self.range(at)).unwrap_or("")
    }

    pub(super) fn expects(&self, terminal: &str) -> bool {
        self.expected
            .iter()
            .any(|other| other.trim_matches('"') == terminal)
    }

    /// Whether a whole expression stands before the token: an operator could follow.
    pub(super) fn after_value(&self) -> bool {
        self.expects("+")
    }

    /// Whether an expression could begin at the token.
    pub(super) fn wants_value(&self) -> bool {
        self.expects("num")
    }

    pub(super) fn in_statement(&self, token: Token<'_>) -> Option<usize> {
        (self.statement.start..self.at).find(|&at| self.token(at) == Some(token))
    }
}

/// The diagnostic of a grammar error.
pub fn explain(s: &Situation<'_, '_>) -> Diagnostic {
    let range = s.range(s.at);
    let span = Span::new(s.file, range.start, range.end);
    let expected = describe_expected(s.expected);
    let (code, found) = match s.found() {
        Some(Token::Newline) if range.is_empty() => ("E0107", "the end of the line".to_string()),
        Some(_) => ("E0107", format!("`{}`", s.written(s.at))),
        None if s.last => ("E0106", "the end of the text".to_string()),
        None => ("E0107", "the end of the line".to_string()),
    };
    let message = match expected.is_empty() {
        true => format!("{found} cannot stand here"),
        false => format!("found {found}, expected {expected}"),
    };
    let mut recognisers = OF_OTHER_LANGUAGES.iter().chain(MISTAKES);
    let mistake = recognisers.find_map(|recognise| recognise(s));
    let mistake = mistake.unwrap_or_else(|| Mistake::help(general_help(s)));
    let diagnostic =
        Diagnostic::error(code, span, mistake.message.unwrap_or(message)).help(mistake.help);
    match mistake.place {
        Some(at) => {
            let range = s.range(at);
            Diagnostic {
                labels: vec![crate::base::diagnostic::Label {
                    span: Span::new(s.file, range.start, range.end),
                    text: String::new(),
                }],
                ..diagnostic
            }
        }
        None => diagnostic,
    }
}

/// Groups of terminals and their name for the user. A group is named where its key is expected, and then its members are not listed.
const GROUPS: &[(&str, &str, &[&str])] = &[
    (
        "num",
        "an expression",
        &[
            "num", "ident", "string", "reducer", "true", "false", "(", "[", "-", "not", "fn", "if",
            "scan", "minimize", "over", "with", "to", "from", "on",
        ],
    ),
    (
        "ident",
        "a name",
        &["ident", "over", "with", "to", "from", "on"],
    ),
    (
        "+",
        "an operator",
        &[
            "+", "-", "*", "/", "//", "%", "@", "^", "==", "!=", "<", "<=", ">", ">=", "and", "or",
            "|>", "(", "[", ".",
        ],
    ),
    ("NL", "the end of the line", &["NL"]),
    ("string", "a string in double quotes", &["string"]),
    ("reducer", "a reduction", &["reducer"]),
    ("error", "", &["error", "doc"]),
    ("doc", "", &["doc"]),
];

/// Words that begin statements: never worth a list of their own.
const STATEMENTS: &[&str] = &[
    "let",
    "for",
    "layer",
    "optimizer",
    "param",
    "state",
    "hyper",
    "import",
    "print",
    "plot",
    "save",
    "load",
    "assert",
    "train",
    "repeat",
];

/// `` `)`, `,` or an operator``
fn describe_expected(expected: &[String]) -> String {
    let mut terminals: Vec<&str> = expected.iter().map(|t| t.trim_matches('"')).collect();
    if terminals.contains(&"let") {
        return "a statement".into();
    }
    let mut names: Vec<String> = Vec::new();
    for (key, name, members) in GROUPS {
        if terminals.contains(key) {
            terminals.retain(|terminal| !members.contains(terminal));
            names.extend((!name.is_empty()).then(|| (*name).to_string()));
        }
    }
    terminals.retain(|terminal| !STATEMENTS.contains(terminal));
    // After a value `=` is possible only where that is a name alone: rarely what is meant.
    if names.iter().any(|name| name == "an operator") {
        terminals.retain(|terminal| *terminal != "=");
    }
    let mut all: Vec<String> = terminals.iter().map(|t| format!("`{t}`")).collect();
    all.append(&mut names);
    match all.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// What a mistake is called, how it is mended, and the token where it stands if not where the grammar stopped.
pub(super) struct Mistake {
    message: Option<String>,
    help: String,
    place: Option<usize>,
}

impl Mistake {
    pub(super) fn help(help: impl Into<String>) -> Mistake {
        Mistake {
            message: None,
            help: help.into(),
            place: None,
        }
    }

    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Mistake {
        Mistake {
            message: Some(message.into()),
            help: help.into(),
            place: None,
        }
    }

    pub(super) fn at(self, place: usize) -> Mistake {
        Mistake {
            place: Some(place),
            ..self
        }
    }
}

/// Says what mistake it is, if it is the one that this function knows.
pub(super) type Recogniser = for<'s, 'a, 'b> fn(&'s Situation<'a, 'b>) -> Option<Mistake>;

/// The mistakes that are recognised, the surest first.
const MISTAKES: &[Recogniser] = &[
    assignment_for_comparison,
    chained_comparison,
    brace_after_call,
    value_missing_on_the_line_before,
    comma_between_statements,
    nested_minimize,
    range_outside_in,
    typed_index_definition,
    point_number,
    word_as_name,
    other_sign_for_equals,
    missing_name,
    function_as_let,
    body_after_arrow,
    missing_value,
    missing_body,
    operator_after_pipe,
    several_without_parentheses,
    side_by_side,
];

fn assignment_for_comparison(s: &Situation<'_, '_>) -> Option<Mistake> {
    let condition = matches!(
        s.first()?,
        Token::If | Token::Assert | Token::Repeat | Token::Print
    ) || s.in_statement(Token::If).is_some()
        // An argument's name is a plain word; after anything else in parentheses `=` is a comparison.
        || (s.expects(")") && matches!(s.before(), Some(Token::RBracket | Token::RParen | Token::Number(_))));
    (s.found() == Some(Token::Eq) && s.after_value() && condition)
        .then(|| Mistake::new("`=` compares nothing", "a comparison is written `==`"))
}

fn is_comparison(token: Token<'_>) -> bool {
    use Token::*;
    matches!(token, EqEq | Ne | Lt | Le | Gt | Ge)
}

fn chained_comparison(s: &Situation<'_, '_>) -> Option<Mistake> {
    let chained = is_comparison(s.found()?)
        && s.expects("and")
        && (s.statement.start..s.at).any(|at| s.token(at).is_some_and(is_comparison));
    chained.then(|| Mistake::new("comparisons do not chain", "write `a < b and b < c`"))
}

fn brace_after_call(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.found() == Some(Token::LBrace) && s.after_value() && !s.expects("{")).then(|| {
        if s.before() == Some(Token::RParen) {
            Mistake::new(
                "a call takes no `{ ... }` after it",
                "pass a function as an argument: `f(x, fn (y) { ... })`",
            )
        } else {
            Mistake::help("a `{` belongs to `if`, `for`, `repeat`, `scan`, `train`, `fn`, `layer` or `optimizer`")
        }
    })
}

/// `loss =`, and the next setting on the next line: read as `loss = epochs = 5`.
fn value_missing_on_the_line_before(s: &Situation<'_, '_>) -> Option<Mistake> {
    let before = s.at.checked_sub(2)?;
    let gap = s.text.get(s.range(before).end..s.range(s.at - 1).start)?;
    let unfinished = super::layout::goes_on(s.token(before)?) && gap.contains('\n');
    (s.found() == Some(Token::Eq) && unfinished).then(|| {
        Mistake::new(
            format!("a value is missing after `{}`", s.written(before)),
            "finish the line",
        )
        .at(before)
    })
}

/// `train net on set { loss = mse, epochs = 3 }`.
fn comma_between_statements(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.found() == Some(Token::Comma) && s.expects("}") && !s.expects(",")).then(|| {
        Mistake::help(
            "statements and settings stand on lines of their own, or have a `;` between them",
        )
    })
}

fn nested_minimize(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.found() == Some(Token::Minimize)).then(|| {
        Mistake::help("`minimize` stands at the top of an expression: put it in parentheses or bind it with `let`")
    })
}

fn range_outside_in(s: &Situation<'_, '_>) -> Option<Mistake> {
    matches!(s.found(), Some(Token::DotDot | Token::DotDotEq))
        .then(|| Mistake::help("a range stands only after `in`; a part of a tensor is `x[1:5]`"))
}

fn typed_index_definition(s: &Situation<'_, '_>) -> Option<Mistake> {
    let definition = s.first() == Some(Token::Let)
        && s.token(s.statement.start + 2) == Some(Token::LBracket)
        && s.before() == Some(Token::RBracket);
    (definition && s.found() == Some(Token::Colon)).then(|| {
        Mistake::new(
            "a definition by indices takes no type",
            "write its sizes as bounds, `let y[i < n] = ...`, and its element type as a conversion, `i32(...)`",
        )
    })
}

fn point_number(s: &Situation<'_, '_>) -> Option<Mistake> {
    match (s.before(), s.found(), s.token(s.at + 1)) {
        (_, Some(Token::Dot), Some(Token::Number(digits))) => Some(Mistake::new(
            "a number begins with a digit",
            format!("write `0.{digits}`"),
        )),
        (Some(Token::Dot), _, _) => match s.at.checked_sub(2).and_then(|at| s.token(at)) {
            Some(Token::Number(digits)) => Some(
                Mistake::new(
                    "a number does not end in a point",
                    format!("write `{digits}.0`"),
                )
                .at(s.at - 1),
            ),
            _ => None,
        },
        _ => None,
    }
}

fn word_as_name(s: &Situation<'_, '_>) -> Option<Mistake> {
    use Token::*;
    let word = s.written(s.at);
    let is_word = word.starts_with(|c: char| c.is_alphabetic()) && !matches!(s.found()?, Ident(_));
    if !is_word || !s.expects("ident") || s.wants_value() {
        return None;
    }
    Some(match s.found()? {
        Reducer(_) => Mistake::help(format!(
            "`{word}[` is always a reduction: choose another name"
        )),
        _ => Mistake::help(format!(
            "`{word}` is a word of the language: choose another name"
        )),
    })
}

fn other_sign_for_equals(s: &Situation<'_, '_>) -> Option<Mistake> {
    let other = matches!(s.found()?, Token::Colon | Token::EqEq | Token::Arrow);
    (other && s.expects("=")).then(|| Mistake::help("write `name = value`, with one `=`"))
}

fn missing_name(s: &Situation<'_, '_>) -> Option<Mistake> {
    let sign = matches!(s.found()?, Token::Eq | Token::Colon | Token::LParen);
    (sign && s.expects("ident") && !s.wants_value())
        .then(|| Mistake::help(format!("a name is missing before `{}`", s.written(s.at))))
}

fn function_as_let(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.first() == Some(Token::Let) && s.found() == Some(Token::LParen) && s.expects("=")).then(
        || {
            Mistake::new(
                "`let` binds a value, not a function",
                "a function is written `fn f(x) { ... }`",
            )
        },
    )
}

/// `fn (x) -> x + 1`
fn body_after_arrow(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.in_statement(Token::Arrow).is_some() && s.expects("{") && !s.after_value()).then(|| {
        Mistake::help(
            "after `->` stands the type of the result, the body in braces: `fn (x) { x + 1 }`",
        )
    })
}

fn missing_value(s: &Situation<'_, '_>) -> Option<Mistake> {
    let ended = matches!(
        s.found(),
        None | Some(
            Token::Newline | Token::RBrace | Token::RParen | Token::RBracket | Token::Comma
        )
    );
    (ended && s.wants_value() && s.before().is_some()).then(|| {
        Mistake::help(format!(
            "a value is missing after `{}`",
            s.written(s.at - 1)
        ))
    })
}

fn missing_body(s: &Situation<'_, '_>) -> Option<Mistake> {
    let ended = matches!(s.found(), None | Some(Token::Newline | Token::RBrace));
    (ended && s.expects("{")).then(|| Mistake::help("a body in braces is missing: `{ ... }`"))
}

/// `let a, b = f(x)`, `for d in 2, 4, 8 {`
fn several_without_parentheses(s: &Situation<'_, '_>) -> Option<Mistake> {
    if s.found() != Some(Token::Comma) {
        return None;
    }
    match s.first()? {
        Token::Let if s.expects("=") => Some(Mistake::help(
            "several names stand in parentheses: `let (a, b) = ...`",
        )),
        Token::For if s.expects("{") || s.expects("in") => Some(Mistake::help(
            "several stand in parentheses: `for d in (2, 4, 8) { ... }`",
        )),
        _ => None,
    }
}

/// `x |> relu + 1`
fn operator_after_pipe(s: &Situation<'_, '_>) -> Option<Mistake> {
    use Token::*;
    let operator = is_comparison(s.found()?)
        || matches!(
            s.found()?,
            Plus | Minus | Star | Slash | SlashSlash | Percent | At | Caret | And | Or
        );
    (operator && s.expects("|>") && !s.after_value()).then(|| {
        Mistake::help(format!(
            "`|>` binds weaker than operators, and ends with a function: put the pipe in parentheses, `(x |> relu) {} y`",
            s.written(s.at)
        ))
    })
}

/// What parts two statements.
const APART: &str = "start it on a line of its own, or put `;` before it";

/// Whether the token begins a statement, by its word: some of these words may name a value too.
fn starts_statement(s: &Situation<'_, '_>) -> bool {
    use Token::*;
    match s.found() {
        Some(
            Let | For | Train | Layer | Param | State | Hyper | Optimizer | Print | Assert | Repeat
            | Import | Save | Load | Plot,
        ) => true,
        Some(Ident(name)) => ["print", "save", "load", "plot", "train", "repeat"].contains(&name),
        Some(_) | None => false,
    }
}

fn side_by_side(s: &Situation<'_, '_>) -> Option<Mistake> {
    use Token::*;
    let starts_value = matches!(
        s.found()?,
        Ident(_) | Number(_) | Str(_) | LParen | LBracket | True | False | Reducer(_)
    );
    if !starts_value || !s.after_value() {
        return None;
    }
    if starts_statement(s) {
        return Some(Mistake::help(APART));
    }
    let adjacent = s.range(s.at - 1).end == s.range(s.at).start;
    if let (Some(Number(number)), Some(Ident(name)), true) = (s.before(), s.found(), adjacent) {
        return Some(Mistake::new(
            "a number and a name stand side by side",
            format!("write `{number} * {name}`"),
        ));
    }
    let comma = if s.expects(",") { ", a comma" } else { "" };
    Some(Mistake::help(format!(
        "two values stand side by side: put an operator{comma} or a line end between them"
    )))
}

fn general_help(s: &Situation<'_, '_>) -> String {
    use Token::*;
    let missing = [
        ")", "]", "=", "{", "(", ",", "in", "with", "to", "from", "on", "at most", ":",
    ]
    .into_iter()
    .find(|terminal| {
        s.expects(terminal) && !(s.expects("ident") || *terminal == "(" && s.after_value())
    });
    match (s.found(), missing) {
        (Some(_), _)
            if starts_statement(s) && (s.after_value() || s.before() == Some(RBrace)) =>
        {
            APART.into()
        }
        (_, Some(terminal)) if !s.wants_value() => match terminal {
            "in" => "a loop is written `for x in xs { ... }`".into(),
            "with" => "a step is written `minimize J with sgd(lr = 0.01)`".into(),
            "to" if s.first() == Some(Save) => "write `save net to \"file.safetensors\"`".into(),
            "to" => "write `plot x to \"file.svg\"`".into(),
            "from" => "write `load net from \"file\"`".into(),
            "on" => "write `train net on data { ... }`".into(),
            "at most" => "a loop with a condition has a limit: `repeat until loss < 1e-6, at most 1000 { ... }`".into(),
            "(" if s.first() == Some(Layer) && s.found() == Some(LBrace) => {
                format!("name its inputs: `layer {}(x: [n, d]) {{ ... }}`", s.written(s.at.saturating_sub(1)))
            }
            "(" => "parameters stand in parentheses: `(x: [n, d])`".into(),
            ":" => "give its type: `param W: [n, d] = ...`".into(),
            _ => format!("`{terminal}` may be missing before it"),
        },
        (None | Some(Newline), _) => "finish the line".into(),
        (Some(_), _) => "remove it, or finish what stands before it".into(),
    }
}
