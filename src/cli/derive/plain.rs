//! Formulas as text of the language: what is printed is a program once its inputs are given.
use super::formula::{Expr, Index, Line, Recurrence};
use crate::tir::{Op, Reducer};

/// Lines of text.
pub fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    write(lines, 0, &mut out);
    out
}

fn write(lines: &[Line], depth: usize, out: &mut String) {
    let margin = "    ".repeat(depth);
    for line in lines {
        let text = match line {
            Line::Definition {
                name,
                indices,
                body,
            } if indices.is_empty() => format!("let {name} = {}", expr(body, 0)),
            Line::Definition {
                name,
                indices: all,
                body,
            } => format!("let {name}[{}] = {}", indices(all), expr(body, 0)),
            Line::Reshape { name, of, shape } => format!("let {name} = reshape({of}, {shape:?})"),
            Line::Concat { name, parts, axis } => {
                format!("let {name} = concat({}, over = {axis})", parts.join(", "))
            }
            Line::Constant {
                name,
                shape,
                elements,
                dtype,
            } => {
                let elements: Vec<String> = elements.iter().map(|&e| number(e)).collect();
                let list = format!("[{}]", elements.join(", "));
                let list = match dtype {
                    Some(dtype) => format!("{dtype}({list})"),
                    None => list,
                };
                format!("let {name} = reshape({list}, {shape:?})")
            }
            Line::Scan(scan) => {
                recurrence(scan, depth, out);
                continue;
            }
            Line::Remark(text) if text.is_empty() => String::new(),
            Line::Remark(text) => format!("# {text}"),
        };
        *out += format!("{margin}{text}").trim_end();
        out.push('\n');
    }
}

fn recurrence(scan: &Recurrence, depth: usize, out: &mut String) {
    let margin = "    ".repeat(depth);
    let tuple = |names: &[String]| match names {
        [one] => one.clone(),
        names => format!("({})", names.join(", ")),
    };
    let names: Vec<String> = scan.states.iter().map(|state| state.0.clone()).collect();
    let starts: Vec<String> = scan.states.iter().map(|state| state.1.clone()).collect();
    let states = match names.is_empty() {
        true => String::new(),
        false => format!(", {} = {}", tuple(&names), tuple(&starts)),
    };
    *out += &format!(
        "{margin}let {} = scan{} {} in 0..{}{states} {{\n",
        tuple(&scan.stacks),
        if scan.reverse { " reverse" } else { "" },
        scan.turn,
        scan.length
    );
    write(&scan.body, depth + 1, out);
    *out += &format!("{margin}    {}\n{margin}}}\n", tuple(&scan.gives));
}

fn indices(all: &[Index]) -> String {
    let one = |index: &Index| match index.written {
        true => format!("{} < {}", index.name, index.bound),
        false => index.name.clone(),
    };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A number as the language reads it back.
pub fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "(-log(0.0))".into()
    } else if value == f64::NEG_INFINITY {
        "log(0.0)".into()
    } else if value != 0.0 && !(1e-4..1e7).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

/// How tightly an operator binds.
pub fn binding(op: Op) -> u8 {
    match op {
        Op::Or => 1,
        Op::And => 2,
        Op::Lt | Op::Le | Op::Eq | Op::Ne => 4,
        Op::Add | Op::Sub => 5,
        Op::Mul | Op::Div | Op::FloorDiv | Op::Mod => 6,
        Op::Neg => 7,
        Op::Pow => 8,
        _ => 10,
    }
}

/// The sign of an operator that stands between its operands.
fn sign(op: Op) -> Option<&'static str> {
    Some(match op {
        Op::Or => "or",
        Op::And => "and",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Eq => "==",
        Op::Ne => "!=",
        Op::Add => "+",
        Op::Sub => "-",
        Op::Mul => "*",
        Op::Div => "/",
        Op::FloorDiv => "//",
        Op::Mod => "%",
        Op::Pow => "^",
        _ => return None,
    })
}

/// A formula; in parentheses where what stands around it binds more tightly.
pub fn expr(formula: &Expr, around: u8) -> String {
    let (text, own) = match formula {
        Expr::Number(value) => (number(*value), if *value < 0.0 { 7 } else { 10 }),
        Expr::Index(name) => (name.clone(), 10),
        Expr::Access(name, subscripts) if subscripts.is_empty() => (name.clone(), 10),
        Expr::Access(name, subscripts) => {
            let subscripts: Vec<String> = subscripts.iter().map(|s| expr(s, 0)).collect();
            (format!("{name}[{}]", subscripts.join(", ")), 10)
        }
        Expr::Reduce(reducer, over, body) => {
            // A reduction takes the products to its right and nothing more.
            let text = format!("{}[{}] {}", name_of(*reducer), indices(over), expr(body, 6));
            (text, 5)
        }
        Expr::Op(op, arguments) => match (op, arguments.as_slice()) {
            (Op::Neg, [a]) => (format!("-{}", expr(a, 8)), 7),
            (Op::Not, [a]) => (format!("not {}", expr(a, 10)), 3),
            // A quotient of whole numbers would be a division of whole numbers.
            (Op::Div, [Expr::Number(a), b @ Expr::Number(_)]) if a.fract() == 0.0 => {
                (format!("{a:.1} / {}", expr(b, 7)), 6)
            }
            (op, [a, b]) if sign(*op).is_some() => {
                let own = binding(*op);
                let text = format!(
                    "{} {} {}",
                    expr(a, if *op == Op::Pow { own + 1 } else { own }),
                    sign(*op).unwrap_or_default(),
                    expr(b, own + 1)
                );
                (text, own)
            }
            (op, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(|a| expr(a, 0)).collect();
                let name = if *op == Op::Select {
                    "where"
                } else {
                    op.name()
                };
                (format!("{name}({})", arguments.join(", ")), 10)
            }
        },
    };
    if own < around {
        format!("({text})")
    } else {
        text
    }
}

fn name_of(reducer: Reducer) -> &'static str {
    reducer.name()
}
