//! Mistakes of people who think in Python, C or Julia: the form they wrote is recognised, and what is written here instead is said.
use super::explain::{Mistake, Recogniser, Situation};
use super::token::Token;

/// The mistakes of this file, the surest first.
pub(super) const OF_OTHER_LANGUAGES: &[Recogniser] = &[
    foreign_import,
    foreign_declaration,
    foreign_word,
    comment_of_slashes,
    format_string,
    walrus,
    doubled_operator,
    compound_assignment,
    colon_for_body,
    ternary,
    test_with_a_word,
    dictionary,
    starred_input,
    decorator,
    list_comprehension,
    slice_step,
    comma_after_setting,
    quote_in_a_string,
    type_before_a_name,
    several_loop_names,
    equals_for_body,
    body_after_a_word,
    let_mut,
    range_step,
    shape_in_parentheses,
    several_targets,
    operator_on_the_next_line,
    capital_statement,
    body_without_braces,
];

/// Libraries that programs of other languages begin with.
const LIBRARIES: &[&str] = &[
    "torch",
    "torchvision",
    "tensorflow",
    "keras",
    "jax",
    "flax",
    "numpy",
    "pandas",
    "sklearn",
    "matplotlib",
    "scipy",
    "math",
    "random",
    "os",
    "sys",
    "time",
    "burn",
    "candle_core",
    "candle_nn",
    "candle",
    "tch",
    "std",
    "transformers",
    "lightning",
    "tqdm",
    "optax",
    "Flux",
];

fn foreign_import(s: &Situation<'_, '_>) -> Option<Mistake> {
    let start = s.statement.start;
    let word = s.written(start);
    if !matches!(
        word,
        "import" | "from" | "use" | "include" | "require" | "using"
    ) || start + 1 != s.at
    {
        return None;
    }
    let what = s.written(s.at);
    Some(if LIBRARIES.contains(&what) {
        Mistake::new(
            format!("there is no library `{what}` here"),
            "leave the imports out: layers, losses, optimizers and the reading of data are known without one",
        )
    } else {
        let file = if what.is_empty() { "file" } else { what.trim_matches('"') };
        Mistake::new(
            "a file is imported by its path in quotes",
            format!("write `import \"{file}.dlm\"`; the standard library needs no import"),
        )
    }
    .at(start))
}

/// `def f(x):` and `class Net(nn.Module):`, with the names that are written.
fn foreign_declaration(s: &Situation<'_, '_>) -> Option<Mistake> {
    let start = s.statement.start;
    let (word, name) = (s.written(start), s.written(start + 1));
    if start + 1 != s.at || !matches!(s.found()?, Token::Ident(_)) {
        return None;
    }
    match word {
        "def" | "function" | "func" | "fun" | "proc" => {
            let inputs: Vec<&str> = (s.at + 2..s.statement.end)
                .map_while(|at| s.token(at).filter(|token| *token != Token::RParen).map(|_| at))
                .filter(|&at| matches!(s.token(at), Some(Token::Ident(_))) && !matches!(s.token(at - 1), Some(Token::Colon | Token::Eq | Token::Dot)))
                .map(|at| s.written(at))
                .collect();
            Some(Mistake::new(
                "a function begins with `fn`",
                format!("write `fn {name}({}) {{ ... }}`; the last expression in the braces is its value", inputs.join(", ")),
            ))
        }
        "class" | "struct" | "module" | "model" | "network" => Some(Mistake::new(
            "a model is a layer",
            format!(
                "write `layer {}(x: [n, d]) {{ x |> dense(128) |> relu |> dense(10) }}`: inner layers are made where they are used, and the body is what `forward` computes",
                name.to_lowercase()
            ),
        )),
        _ => None,
    }
    .map(|mistake| mistake.at(start))
}

/// Words of other languages at the start of a statement.
const FOREIGN: &[(&[&str], &str, &str)] = &[
    (
        &["def", "function", "func", "fun", "proc"],
        "a function begins with `fn`",
        "write `fn name(x) { ... }`",
    ),
    (
        &["class", "struct", "module", "model", "network"],
        "a model is a layer",
        "write `layer name(config)(x: [n, d]) { ... }`",
    ),
    (
        &["return"],
        "there is no `return`",
        "the last expression of a block is its value: leave `return` out",
    ),
    (
        &["elif", "elsif", "elseif"],
        "there is no `elif`",
        "write `else if`, on the line of the `}` or the next",
    ),
    (
        &[
            "var", "const", "mut", "auto", "val", "set", "int", "float", "double", "tensor",
        ],
        "a name is bound with `let`",
        "write `let name = value`; a name that is bound takes a new value with `name = value`",
    ),
    (
        &["while", "loop", "until"],
        "there is no `while`",
        "write `repeat until condition, at most 1000 { ... }` or `repeat 1000 { ... }`",
    ),
    (
        &["fit", "optimize"],
        "a model is trained with `train`",
        "write `train net on data { loss = mse }`",
    ),
    (
        &["weight", "parameter"],
        "a learned tensor is declared with `param`",
        "write `param W: [d, units] = glorot_uniform`",
    ),
    (
        &["pass", "break", "continue"],
        "there is no such statement",
        "an empty body is `{ }`; a loop ends by its count or by `repeat until`",
    ),
    (
        &["with"],
        "no statement begins with `with`",
        "leave the line out: gradients are taken by `minimize`, `grad` and `train` only, and files are read by `csv`, `npy` or `load`",
    ),
    (
        &["try", "except", "catch", "finally", "raise", "throw"],
        "there are no exceptions",
        "leave the line out: what fails stops the program and says where; `assert c, \"message\"` checks a condition",
    ),
    (
        &[
            "del", "global", "nonlocal", "yield", "await", "async", "pub", "static",
        ],
        "there is no such statement",
        "leave the word out",
    ),
    (
        &["end", "begin", "then", "do"],
        "a body stands in braces",
        "write `{ ... }`",
    ),
    (
        &["switch", "match", "case"],
        "there is no such statement",
        "write `if a { ... } else if b { ... } else { ... }`",
    ),
    (
        &["lambda"],
        "a function value begins with `fn`",
        "write `fn (x) { ... }`",
    ),
];

fn foreign_word(s: &Situation<'_, '_>) -> Option<Mistake> {
    for at in [s.statement.start, s.at.checked_sub(1)?] {
        let word = s.written(at);
        let starts = at == s.statement.start;
        let row = FOREIGN
            .iter()
            .find(|(words, ..)| words.contains(&word) && (starts || words.contains(&"lambda")));
        // `x |> fit(3)` and `let use = 1` are as good as any other name: only a word right before the mistake or a lone first word counts.
        if let Some((_, message, help)) = row
            && at + 1 == s.at
        {
            let mistake = match word {
                "lambda" => Mistake::new(*message, function_value(s)),
                _ => Mistake::new(*message, *help),
            };
            return Some(mistake.at(at));
        }
    }
    // `} elif c {` is read as a word after a value.
    let found = s.written(s.at);
    let row = FOREIGN.iter().find(|(words, ..)| words.contains(&found))?;
    (s.before() == Some(Token::RBrace)).then(|| Mistake::new(row.1, row.2))
}

/// What `lambda p, t: mean(p - t)` is here.
fn function_value(s: &Situation<'_, '_>) -> String {
    let inputs: Vec<&str> = (s.at..s.statement.end)
        .take_while(|&at| s.token(at) != Some(Token::Colon))
        .filter(|&at| matches!(s.token(at), Some(Token::Ident(_))))
        .map(|at| s.written(at))
        .collect();
    format!("write `fn ({}) {{ ... }}`", inputs.join(", "))
}

fn comment_of_slashes(s: &Situation<'_, '_>) -> Option<Mistake> {
    let at = if s.found() == Some(Token::SlashSlash) {
        s.at
    } else {
        s.in_statement(Token::SlashSlash)?
    };
    // Words after it that make no expression are the sign of a comment.
    let prose = at == s.at || matches!(s.found(), Some(Token::Ident(_))) && s.after_value();
    prose.then(|| {
        Mistake::new(
            "`//` is the division that rounds down, not a comment",
            "a comment starts with `#`",
        )
        .at(at)
    })
}

fn doubled_operator(s: &Situation<'_, '_>) -> Option<Mistake> {
    let adjacent = s.at > 0 && s.range(s.at - 1).end == s.range(s.at).start;
    match (s.before()?, s.found()?) {
        (Token::Star, Token::Star) if adjacent => {
            Some(Mistake::new("there is no `**`", "a power is written `x ^ 2`").at(s.at - 1))
        }
        (_, Token::Eq)
            if s.token(s.at + 1) == Some(Token::Gt)
                && s.range(s.at).end == s.range(s.at + 1).start =>
        {
            Some(Mistake::new(
                "there is no `=>`",
                format!(
                    "a function value is written `fn ({}) {{ ... }}`, a comparison `>=`",
                    inputs_before(s, s.at).join(", ")
                ),
            ))
        }
        (Token::Eq, Token::Gt) if adjacent => Some(Mistake::new(
            "there is no `=>`",
            "a function value is written `fn (x) { ... }`, a comparison `>=`",
        )),
        (Token::EqEq, Token::Eq) if adjacent => {
            Some(Mistake::new("there is no `===`", "write `==`"))
        }
        (Token::Plus, Token::Plus) if adjacent => {
            let name = s
                .text
                .get(s.range(s.statement.start).start..s.range(s.at - 1).start);
            let name = name
                .map(str::trim)
                .filter(|name| !name.is_empty() && name.chars().all(char::is_alphanumeric))
                .unwrap_or("x");
            Some(
                Mistake::new("there is no `++`", format!("write `{name} = {name} + 1`"))
                    .at(s.at - 1),
            )
        }
        (Token::Lt, Token::Gt) if adjacent => {
            Some(Mistake::new("there is no `<>`", "write `!=`").at(s.at - 1))
        }
        (Token::Plus, Token::Plus) => Some(Mistake::help("a plus sign has a value on its left")),
        (Token::Lt, Token::Minus) if adjacent => Some(Mistake::help("write `=`")),
        _ => None,
    }
}

/// The names before a `=>`: `x` of `x => ...`, `a` and `b` of `(a, b) => ...`.
fn inputs_before<'s>(s: &'s Situation<'_, '_>, arrow: usize) -> Vec<&'s str> {
    let is_name = |at: &usize| matches!(s.token(*at), Some(Token::Ident(_)));
    let last = arrow.saturating_sub(1);
    if s.token(last) != Some(Token::RParen) {
        return (last..arrow)
            .filter(is_name)
            .map(|at| s.written(at))
            .collect();
    }
    let opens = (s.statement.start..last).rfind(|&at| s.token(at) == Some(Token::LParen));
    let names = (opens.unwrap_or(last)..last).filter(is_name);
    names.map(|at| s.written(at)).collect()
}

fn compound_assignment(s: &Situation<'_, '_>) -> Option<Mistake> {
    let operator = matches!(
        s.before()?,
        Token::Plus | Token::Minus | Token::Star | Token::Slash
    );
    let adjacent = s.range(s.at - 1).end == s.range(s.at).start;
    (s.found() == Some(Token::Eq) && operator && adjacent).then(|| {
        let (name, sign) = (
            s.text
                .get(s.range(s.statement.start).start..s.range(s.at - 1).start)
                .unwrap_or("x")
                .trim(),
            s.written(s.at - 1),
        );
        Mistake::new(
            format!("there is no `{sign}=`"),
            format!("write `{name} = {name} {sign} ...`"),
        )
        .at(s.at - 1)
    })
}

fn colon_for_body(s: &Situation<'_, '_>) -> Option<Mistake> {
    use Token::*;
    let heads = matches!(
        s.first()?,
        If | For | Repeat | Fn | Layer | Optimizer | Train | Scan
    ) || s.before() == Some(Else);
    (s.found() == Some(Colon) && heads && s.expects("{"))
        .then(|| Mistake::new("a body stands in braces, not after `:`", "write `{ ... }`"))
}

fn list_comprehension(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.found() == Some(Token::For) && (s.expects("]") || s.expects(")"))).then(|| {
        Mistake::new(
            "there is no list comprehension",
            "define a tensor by its elements: `let y[i < 10] = ...`",
        )
    })
}

fn slice_step(s: &Situation<'_, '_>) -> Option<Mistake> {
    let adjacent = s.at > 0 && s.range(s.at - 1).end == s.range(s.at).start;
    if s.before()? == Token::DotDot && s.found() == Some(Token::Dot) && adjacent {
        let help = match s.first() {
            Some(Token::For) => "a range without its end is `0..3`, with it `0..=3`",
            _ => "all dimensions that are left are `..`: `x[.., 0]`",
        };
        return Some(Mistake::new("there is no `...`", help).at(s.at - 1));
    }
    let slice = s.in_statement(Token::Colon).is_some() && s.expects("]");
    let stepped = s.found() == Some(Token::Colon)
        && slice
        && (s.after_value() || s.before() == Some(Token::Colon));
    stepped.then(|| {
        Mistake::new(
            "a slice has no step",
            "define the elements you want: `let y[i] = x[2*i]`",
        )
    })
}

/// `f"loss {loss}"`
fn format_string(s: &Situation<'_, '_>) -> Option<Mistake> {
    let adjacent = s.at > 0 && s.range(s.at - 1).end == s.range(s.at).start;
    let prefix = matches!(
        s.before()?,
        Token::Ident("f" | "F" | "r" | "b" | "rf" | "fr")
    );
    (prefix && adjacent && matches!(s.found()?, Token::Str(_))).then(|| {
        Mistake::new(
            format!("a string takes no `{}` before it", s.written(s.at - 1)),
            format!(
                "write `{}`: what stands in braces is always filled in",
                s.written(s.at)
            ),
        )
        .at(s.at - 1)
    })
}

/// `let x := 3`, `x := 3`
fn walrus(s: &Situation<'_, '_>) -> Option<Mistake> {
    let joined = |at: usize| {
        s.token(at) == Some(Token::Colon)
            && s.token(at + 1) == Some(Token::Eq)
            && s.range(at).end == s.range(at + 1).start
    };
    let at = [Some(s.at), s.at.checked_sub(1)]
        .into_iter()
        .flatten()
        .find(|&at| joined(at))?;
    let name = at.checked_sub(1).map_or("x", |at| s.written(at));
    Some(
        Mistake::new(
            "there is no `:=`",
            format!(
                "`let {name} = ...` binds a name, `{name} = ...` gives a bound one a new value"
            ),
        )
        .at(at),
    )
}

/// `a if c else b`
fn ternary(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.found() == Some(Token::If) && s.after_value()).then(|| {
        Mistake::new(
            "an `if` begins with its condition",
            "write `if c { a } else { b }`; `where(c, a, b)` chooses element by element",
        )
    })
}

/// `x in xs`, `mask is None`, `x as i32`
fn test_with_a_word(s: &Situation<'_, '_>) -> Option<Mistake> {
    if !s.after_value() {
        return None;
    }
    let left = s.written(s.at.checked_sub(1)?);
    match s.found()? {
        Token::In if s.first() != Some(Token::For) && s.at > s.statement.start + 1 => {
            Some(Mistake::new(
                "`in` stands only in loops",
                format!("compare with each value: `{left} == 1 or {left} == 2`"),
            ))
        }
        Token::Ident("is") => {
            let (sign, at) = match s.token(s.at + 1) {
                Some(Token::Not) => ("!=", s.at + 2),
                _ => ("==", s.at + 1),
            };
            let right = match s.written(at) {
                "None" | "" => "none",
                other => other,
            };
            Some(Mistake::new(
                "there is no `is`",
                format!("write `{left} {sign} {right}`"),
            ))
        }
        Token::Ident("as") => {
            let ty = match s.written(s.at + 1) {
                "int" | "i64" | "usize" | "long" => "i32",
                "float" | "float32" => "f32",
                "double" | "float64" => "f64",
                other => other,
            };
            Some(Mistake::new(
                "there is no `as`",
                format!("a conversion is a call: `{ty}({left})`"),
            ))
        }
        _ => None,
    }
}

/// `{"lr": 0.1}`
fn dictionary(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.found() == Some(Token::LBrace) && s.wants_value()).then(|| {
        Mistake::new(
            "there are no dictionaries",
            "bind each value with a `let` of its own, or with `hyper lr = 0.1` if the command line may change it",
        )
    })
}

/// `fn f(*args)`
fn starred_input(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.found() == Some(Token::Star) && s.expects("ident") && !s.after_value() && !s.wants_value()).then(|| {
        Mistake::new("a function names each of its inputs", "write `fn f(a, b) { ... }`; one that may be left out has a value: `fn f(a, b = none)`")
    })
}

/// `@jit`
fn decorator(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.found() == Some(Token::At) && s.at == s.statement.start).then(|| {
        Mistake::new(
            "there are no decorators",
            "leave the line out: every function is compiled",
        )
    })
}

/// `loss = mse,` in a `train`
fn comma_after_setting(s: &Situation<'_, '_>) -> Option<Mistake> {
    let setting =
        matches!(s.first()?, Token::Ident(_)) && s.token(s.statement.start + 1) == Some(Token::Eq);
    let brace = s.statement.start.checked_sub(1).and_then(|at| {
        (0..=at)
            .rev()
            .find(|&at| s.token(at) == Some(Token::LBrace))
    })?;
    let head = (0..brace).rev().take_while(|&at| {
        !matches!(
            s.token(at),
            Some(Token::Newline | Token::LBrace | Token::RBrace)
        )
    });
    let train = head.last().and_then(|at| s.token(at)) == Some(Token::Train);
    (s.found() == Some(Token::Comma) && setting && train).then(|| {
        Mistake::new(
            "no comma stands after a setting of `train`",
            "put each setting on a line of its own, or `;` between them",
        )
    })
}

/// `"x {t["a"]}"`
fn quote_in_a_string(s: &Situation<'_, '_>) -> Option<Mistake> {
    let touches = |at: usize| at > 0 && s.range(at - 1).end == s.range(at).start;
    let string = |at: usize| matches!(s.token(at), Some(Token::Str(_)));
    (s.at > 0
        && string(s.at - 1)
        && touches(s.at)
        && !string(s.at)
        && s.after_value()
        && string(s.at + 1)
        && touches(s.at + 1))
    .then(|| {
        Mistake::new(
            "a quote inside a string ends it",
            "bind what the braces hold first: `let part = ...`, then `\"{part}\"`",
        )
    })
}

/// `for i, x in xs`
fn several_loop_names(s: &Situation<'_, '_>) -> Option<Mistake> {
    (s.first() == Some(Token::For) && s.found() == Some(Token::Comma) && s.expects("in")).then(|| {
        let a = s.written(s.at - 1);
        Mistake::new(
            "a loop binds one name",
            format!("a batch holds its fields, `for b in set |> batches(32) {{ ... }}` with `b.x` and `b.y`; a loop that counts is `for {a} in 0..10 {{ ... }}`"),
        )
    })
}

/// `fn square(x) = x * x`
fn equals_for_body(s: &Situation<'_, '_>) -> Option<Mistake> {
    let declared = matches!(s.first()?, Token::Fn | Token::Layer | Token::Optimizer);
    (declared && s.found() == Some(Token::Eq) && s.expects("{"))
        .then(|| Mistake::new("a body stands in braces, not after `=`", "write `{ ... }`"))
}

/// `if c then x`
fn body_after_a_word(s: &Situation<'_, '_>) -> Option<Mistake> {
    let word = matches!(s.found()?, Token::Ident("then" | "do" | "begin"));
    (word && s.expects("{")).then(|| {
        Mistake::new(
            format!("a body stands in braces, not after `{}`", s.written(s.at)),
            "write `{ ... }`",
        )
    })
}

/// `let mut x = 3`
fn let_mut(s: &Situation<'_, '_>) -> Option<Mistake> {
    let word = matches!(s.before()?, Token::Ident("mut" | "const" | "var"));
    (s.first() == Some(Token::Let) && word && s.at == s.statement.start + 2).then(|| {
        let name = s.written(s.at);
        Mistake::new(
            format!("there is no `{}`", s.written(s.at - 1)),
            format!("write `let {name} = ...`; every name takes a new value with `{name} = ...`"),
        )
        .at(s.at - 1)
    })
}

/// `hyper lr: 0.1`
fn type_before_a_name(s: &Situation<'_, '_>) -> Option<Mistake> {
    let declared = matches!(
        s.first()?,
        Token::Let | Token::Hyper | Token::Param | Token::State
    );
    let value = matches!(
        s.found()?,
        Token::Number(_) | Token::Str(_) | Token::Minus | Token::True | Token::False
    );
    (declared && value && s.before() == Some(Token::Colon)).then(|| {
        Mistake::new(
            "after `:` stands a type",
            format!(
                "write `{} {} = {}`",
                s.written(s.statement.start),
                s.written(s.at.saturating_sub(2)),
                s.written(s.at)
            ),
        )
    })
}

/// `for i in 0..10 step 2`
fn range_step(s: &Situation<'_, '_>) -> Option<Mistake> {
    let word = matches!(s.found()?, Token::Ident("step" | "by"));
    let range = [Token::DotDot, Token::DotDotEq]
        .into_iter()
        .any(|sign| s.in_statement(sign).is_some());
    (word && range && s.first() == Some(Token::For)).then(|| {
        let (name, step) = (s.written(s.statement.start + 1), s.written(s.at + 1));
        Mistake::new(
            "a range has no step",
            format!("count the turns, and compute in the loop: `let j = {step} * {name}`"),
        )
    })
}

/// `param w: (d, 1) = zeros`
fn shape_in_parentheses(s: &Situation<'_, '_>) -> Option<Mistake> {
    let declared = matches!(
        s.first()?,
        Token::Let | Token::Param | Token::State | Token::Fn | Token::Layer
    );
    let opens = (s.statement.start..s.at).rfind(|&at| s.token(at) == Some(Token::LParen))?;
    let after = opens.checked_sub(1).and_then(|at| s.token(at));
    let number = matches!(s.found()?, Token::Number(_));
    (declared && number && matches!(after, Some(Token::Colon | Token::Arrow)) && !s.wants_value())
        .then(|| {
            let sizes = (opens + 1..s.statement.end)
                .take_while(|&at| s.token(at) != Some(Token::RParen))
                .filter(|&at| s.token(at) != Some(Token::Comma))
                .map(|at| s.written(at));
            Mistake::new(
                "a shape stands in brackets",
                format!("write `[{}]`", sizes.collect::<Vec<_>>().join(", ")),
            )
            .at(opens)
        })
}

/// `a, b = (1, 2)`
fn several_targets(s: &Situation<'_, '_>) -> Option<Mistake> {
    let comma = s.found() == Some(Token::Comma) && s.at == s.statement.start + 1;
    let names: Vec<&str> = (s.statement.start..s.statement.end)
        .take_while(|&at| matches!(s.token(at), Some(Token::Ident(_) | Token::Comma)))
        .filter(|&at| s.token(at) != Some(Token::Comma))
        .map(|at| s.written(at))
        .collect();
    let equals = s.token(s.statement.start + 2 * names.len() - usize::from(!names.is_empty()));
    (comma && equals == Some(Token::Eq)).then(|| {
        Mistake::new(
            "several names stand in parentheses",
            format!("write `let ({}) = ...`", names.join(", ")),
        )
    })
}

/// A line that begins with an operator.
fn operator_on_the_next_line(s: &Situation<'_, '_>) -> Option<Mistake> {
    use Token::*;
    let operator = matches!(
        s.found()?,
        Plus | Star | Slash | Percent | Caret | And | Or | EqEq | Ne | Lt | Le | Gt | Ge
    );
    let begins = matches!(s.before(), None | Some(Newline)) && s.at == s.statement.start;
    (operator && begins).then(|| {
        let sign = s.written(s.at);
        Mistake::new(
            format!("a statement does not begin with `{sign}`"),
            format!("a line that goes on ends in its operator: write `{sign}` at the end of the line before, or parentheses around both"),
        )
    })
}

/// `Print x`
fn capital_statement(s: &Situation<'_, '_>) -> Option<Mistake> {
    let word = s.written(s.statement.start);
    let small = word.to_lowercase();
    let known = matches!(
        &*small,
        "let"
            | "print"
            | "for"
            | "if"
            | "repeat"
            | "train"
            | "layer"
            | "fn"
            | "param"
            | "hyper"
            | "save"
            | "load"
            | "plot"
            | "import"
            | "minimize"
            | "assert"
    );
    (known && small != word && s.at == s.statement.start + 1).then(|| {
        Mistake::new(
            format!("`{word}` begins no statement"),
            format!("write `{small}`"),
        )
        .at(s.statement.start)
    })
}

/// `if a > 2 print x`
fn body_without_braces(s: &Situation<'_, '_>) -> Option<Mistake> {
    use Token::*;
    let head = matches!(s.first()?, If | For | Repeat);
    let statement = matches!(
        s.found()?,
        Print | Let | Train | Minimize | Save | Load | Plot | Assert
    );
    (head && statement && s.expects("{") && s.after_value()).then(|| {
        let head = s
            .text
            .get(s.range(s.statement.start).start..s.range(s.at).start);
        Mistake::new(
            "a body stands in braces",
            format!(
                "write `{} {{ {} ... }}`",
                head.unwrap_or("").trim_end(),
                s.written(s.at)
            ),
        )
    })
}
