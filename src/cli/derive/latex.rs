//! Formulas as LaTeX: aligned equations, which `amsmath` sets.
use super::formula::{Expr, Index, Line, Recurrence};
use super::plain::binding;
use crate::tir::{Op, Reducer};

/// Blocks of aligned equations, with remarks as text between them.
pub fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    let mut rows: Vec<String> = Vec::new();
    for line in lines {
        if let Line::Remark(remark) = line {
            flush(&mut rows, &mut out);
            if !remark.is_empty() {
                out += &format!("\\noindent {}\n", prose(remark));
            }
            continue;
        }
        row(line, &mut rows);
    }
    flush(&mut rows, &mut out);
    out
}

fn flush(rows: &mut Vec<String>, out: &mut String) {
    if !rows.is_empty() {
        *out += &format!(
            "\\begin{{align*}}\n{}\n\\end{{align*}}\n",
            rows.join(" \\\\\n")
        );
        rows.clear();
    }
}

fn row(line: &Line, rows: &mut Vec<String>) {
    match line {
        Line::Definition {
            name,
            indices,
            body,
        } => {
            let indices: Vec<String> = indices.iter().map(|i| symbol(&i.name)).collect();
            rows.push(format!(
                "{} &= {}",
                subscripted(name, &indices),
                expr(body, 0)
            ));
        }
        Line::Reshape { name, of, shape } => {
            let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
            rows.push(format!(
                "{} &= \\operatorname{{reshape}}_{{{}}}({})",
                symbol(name),
                shape.join(" \\times "),
                symbol(of)
            ));
        }
        Line::Concat { name, parts, .. } => {
            let parts: Vec<String> = parts.iter().map(|part| symbol(part)).collect();
            rows.push(format!("{} &= [{}]", symbol(name), parts.join(" \\mid ")));
        }
        Line::Constant { name, elements, .. } => {
            let elements: Vec<String> = elements.iter().map(|&e| number(e)).collect();
            rows.push(format!("{} &= ({})", symbol(name), elements.join(", ")));
        }
        Line::Scan(scan) => recurrence(scan, rows),
        Line::Remark(_) => {}
    }
}

fn recurrence(scan: &Recurrence, rows: &mut Vec<String>) {
    let (turn, last) = (symbol(&scan.turn), scan.length.saturating_sub(1));
    let way = match scan.reverse {
        false => format!("{turn} = 0, 1, \\dots, {last}"),
        true => format!("{turn} = {last}, \\dots, 1, 0"),
    };
    let starts: Vec<String> = scan
        .states
        .iter()
        .map(|(state, start)| format!("{} = {}", symbol(state), symbol(start)))
        .collect();
    rows.push(format!(
        "&\\text{{for }} {way}{}",
        match starts.is_empty() {
            true => String::new(),
            false => format!(", \\text{{ from }} {}:", starts.join(", ")),
        }
    ));
    let mut inner = Vec::new();
    scan.body.iter().for_each(|line| row(line, &mut inner));
    rows.extend(
        inner
            .into_iter()
            .map(|row| row.replacen("&=", "&\\quad=", 1)),
    );
    for (at, (value, stack)) in scan.gives.iter().zip(&scan.stacks).enumerate() {
        let next = scan.states.get(at).map_or_else(String::new, |(state, _)| {
            format!("{} \\leftarrow ", symbol(state))
        });
        rows.push(format!(
            "{} &\\quad= {next}{}",
            subscripted(stack, std::slice::from_ref(&turn)),
            symbol(value)
        ));
    }
}

fn prose(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '_' | '&' | '%' | '#' | '$' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '∂' => out += "$\\partial$",
            '\\' => out += "\\textbackslash{}",
            '<' => out += "$<$",
            '>' => out += "$>$",
            '^' => out += "\\^{}",
            '~' => out += "\\~{}",
            c => match special(c) {
                Some(text) => out += &format!("${text}$"),
                None => out.push(c),
            },
        }
    }
    out
}

/// A letter or sign of a name that LaTeX has a command for.
fn special(c: char) -> Option<String> {
    const GREEK: &[(char, &str)] = &[
        ('α', "alpha"),
        ('β', "beta"),
        ('γ', "gamma"),
        ('δ', "delta"),
        ('ε', "varepsilon"),
        ('ζ', "zeta"),
        ('η', "eta"),
        ('θ', "theta"),
        ('ι', "iota"),
        ('κ', "kappa"),
        ('λ', "lambda"),
        ('μ', "mu"),
        ('ν', "nu"),
        ('ξ', "xi"),
        ('π', "pi"),
        ('ρ', "rho"),
        ('σ', "sigma"),
        ('ς', "varsigma"),
        ('τ', "tau"),
        ('υ', "upsilon"),
        ('φ', "varphi"),
        ('χ', "chi"),
        ('ψ', "psi"),
        ('ω', "omega"),
        ('ϑ', "vartheta"),
        ('ϵ', "epsilon"),
        ('ϕ', "phi"),
        ('Γ', "Gamma"),
        ('Δ', "Delta"),
        ('Θ', "Theta"),
        ('Λ', "Lambda"),
        ('Ξ', "Xi"),
        ('Π', "Pi"),
        ('Σ', "Sigma"),
        ('Υ', "Upsilon"),
        ('Φ', "Phi"),
        ('Ψ', "Psi"),
        ('Ω', "Omega"),
        ('ℓ', "ell"),
    ];
    let greek = GREEK.iter().find(|(letter, _)| *letter == c);
    match (greek, c) {
        (Some((_, name)), _) => Some(format!("\\{name}")),
        (None, '₀'..='₉') => Some(format!("_{{{}}}", u32::from(c) - u32::from('₀'))),
        (None, '′') => Some("'".into()),
        (None, _) => None,
    }
}

/// One letter, with its primes and subscript, in italics; a longer name upright. Braces keep its subscript apart from indices.
fn upright(name: &str) -> String {
    let is_mark = |c: char| c == '′' || ('₀'..='₉').contains(&c);
    let stem = name.trim_end_matches(is_mark);
    let marks = name.strip_prefix(stem).unwrap_or("");
    let letters: String = stem
        .chars()
        .map(|c| match special(c) {
            Some(text) => format!("{{{text}}}"),
            None if c == '_' => "\\_".into(),
            None => c.to_string(),
        })
        .collect();
    let stem = match stem.chars().count() {
        1 => letters,
        _ => format!("\\mathrm{{{letters}}}"),
    };
    let digits: String = marks
        .chars()
        .filter_map(|c| u32::from(c).checked_sub(u32::from('₀')))
        .filter(|digit| *digit < 10)
        .map(|digit| digit.to_string())
        .collect();
    let primes = "'".repeat(marks.matches('′').count());
    match (marks.is_empty(), digits.is_empty()) {
        (true, _) => stem,
        (false, true) => format!("{{{stem}{primes}}}"),
        (false, false) => format!("{{{stem}{primes}_{{{digits}}}}}"),
    }
}

/// A name: one letter as it is, a longer one upright; the gradient by a parameter as a fraction.
fn symbol(name: &str) -> String {
    match name.strip_prefix("dJ_d_") {
        Some(of) => format!("\\frac{{\\partial J}}{{\\partial {}}}", upright(of)),
        None => upright(name),
    }
}

fn subscripted(name: &str, indices: &[String]) -> String {
    match indices {
        [] => symbol(name),
        indices if name.starts_with("dJ_d_") => {
            format!("\\left({}\\right)_{{{}}}", symbol(name), indices.join(","))
        }
        indices => format!("{}_{{{}}}", symbol(name), indices.join(",")),
    }
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "\\infty" } else { "-\\infty" }.into();
    }
    let text = super::plain::number(value);
    match text.split_once('e') {
        Some((digits, power)) => format!("{digits} \\cdot 10^{{{power}}}"),
        None => text,
    }
}

fn bounds(over: &[Index]) -> String {
    let one = |index: &Index| match index.written {
        true => format!("{} < {}", symbol(&index.name), index.bound),
        false => symbol(&index.name),
    };
    over.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn expr(formula: &Expr, around: u8) -> String {
    let (text, own) = match formula {
        Expr::Number(value) => (number(*value), if *value < 0.0 { 7 } else { 10 }),
        Expr::Index(name) => (symbol(name), 10),
        Expr::Access(name, subscripts) => {
            let subscripts: Vec<String> = subscripts.iter().map(|s| expr(s, 0)).collect();
            (subscripted(name, &subscripts), 10)
        }
        Expr::Reduce(reducer, over, body) => {
            let sign = match reducer {
                Reducer::Sum => "\\sum",
                Reducer::Prod => "\\prod",
                Reducer::Max => "\\max",
                Reducer::Min => "\\min",
                Reducer::ArgMax => "\\operatorname*{arg\\,max}",
            };
            (format!("{sign}_{{{}}} {}", bounds(over), expr(body, 6)), 5)
        }
        Expr::Op(op, arguments) => operator(*op, arguments),
    };
    if own < around {
        format!("\\left({text}\\right)")
    } else {
        text
    }
}

fn operator(op: Op, arguments: &[Expr]) -> (String, u8) {
    let own = binding(op);
    let between = |sign: &str, a: &Expr, b: &Expr| {
        (format!("{} {sign} {}", expr(a, own), expr(b, own + 1)), own)
    };
    let function = |name: &str| {
        let arguments: Vec<String> = arguments.iter().map(|a| expr(a, 0)).collect();
        (format!("{name}\\left({}\\right)", arguments.join(", ")), 10)
    };
    match (op, arguments) {
        (Op::Neg, [a]) => (format!("-{}", expr(a, 8)), 7),
        (Op::Abs, [a]) => (format!("\\left|{}\\right|", expr(a, 0)), 10),
        (Op::Exp, [a]) => (format!("e^{{{}}}", expr(a, 0)), 9),
        (Op::Sqrt, [a]) => (format!("\\sqrt{{{}}}", expr(a, 0)), 10),
        (Op::Floor, [a]) => (format!("\\lfloor {} \\rfloor", expr(a, 0)), 10),
        (Op::Not, [a]) => (format!("\\lnot {}", expr(a, 10)), 3),
        (Op::Add, [a, b]) => between("+", a, b),
        (Op::Sub, [a, b]) => between("-", a, b),
        (Op::Mul, [a, b]) => between("\\,", a, b),
        (Op::Div, [a, b]) => (format!("\\frac{{{}}}{{{}}}", expr(a, 0), expr(b, 0)), 9),
        (Op::FloorDiv, [a, b]) => {
            let text = format!("\\lfloor {} / {} \\rfloor", expr(a, 6), expr(b, 7));
            (text, 10)
        }
        (Op::Mod, [a, b]) => between("\\bmod", a, b),
        (Op::Pow, [a, b]) => (format!("{{{}}}^{{{}}}", expr(a, 10), expr(b, 0)), 8),
        (Op::Lt, [a, b]) => between("<", a, b),
        (Op::Le, [a, b]) => between("\\le", a, b),
        (Op::Eq, [a, b]) => between("=", a, b),
        (Op::Ne, [a, b]) => between("\\ne", a, b),
        (Op::And, [a, b]) => between("\\land", a, b),
        (Op::Or, [a, b]) => between("\\lor", a, b),
        (Op::Select, [condition, a, b]) => {
            let text = format!(
                "\\begin{{cases}} {} & {} \\\\ {} & \\text{{otherwise}} \\end{{cases}}",
                expr(a, 0),
                expr(condition, 0),
                expr(b, 0)
            );
            (text, 5)
        }
        // A conversion changes no value that matters on paper.
        (Op::ToF32 | Op::ToF64 | Op::ToI32 | Op::ToBool, [a]) => (expr(a, 10), 10),
        (Op::Log | Op::Sin | Op::Cos | Op::Tanh | Op::Min | Op::Max, _) => {
            function(&format!("\\{}", op.name()))
        }
        (Op::Sigmoid, _) => function("\\sigma"),
        (op, _) => function(&format!(
            "\\operatorname{{{}}}",
            op.name().replace('_', "\\_")
        )),
    }
}
