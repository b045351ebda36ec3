//! Exact algebra inside comprehensions: every rewrite keeps every bit, for NaN, infinities and signed zeros too.
//!
//! - reads: equal ones become one, unused ones vanish, guard conditions that always hold vanish, one that never holds makes the read its fill;
//! - a domain whose body is one read joins that read's guard;
//! - bodies: constants fold (integers and comparisons of constants), `x * 1 => x`, `x / 1 => x`, `x - 0 => x`, `--x => x`,
//!   `select(true, a, b) => a`, `select(c, a, a) => a`, `not not c => c`, conversions to the type that is there.
//!
//! Not done, since it is not exact: `x * 0`, `x - x`, `x + 0` (wrong for -0), `x / c => x * (1/c)`. For passes that need not be exact there is
//! [`without_small_powers`].
use super::evaluate::rounded;
use crate::base::types::DType;
use crate::tir::build::compact;
use crate::tir::{Body, Comprehension, Graph, Guard, Inst, Literal, Op, Read, Scatter, Subscript};

/// Simplifies one comprehension whose operands live in `graph`.
pub fn comprehension(graph: &Graph, mut c: Comprehension) -> Comprehension {
    let extents = c.extents();
    if let Some(domain) = c.domain.simplified(&extents) {
        c.domain = domain;
    }
    let (reads, body) = simplify_code(graph, c.reads, &c.body, &extents);
    (c.reads, c.body) = (reads, body);
    domain_to_guard(&mut c);
    c
}

/// `x ^ 1 => x`, `x ^ 2 => x * x`. The product is the better rounded one: `pow` may be wrong in the last bit.
pub fn without_small_powers(mut c: Comprehension) -> Comprehension {
    let exponent = |body: &Body, inst: &Inst| match inst {
        Inst::Op(Op::Pow, arguments) => constant(body, arguments[1]),
        Inst::Op(..) | Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => None,
    };
    let is_small = |inst| matches!(exponent(&c.body, inst), Some(1.0 | 2.0));
    if !c.body.insts.iter().any(is_small) {
        return c;
    }
    let mut body = Body::default();
    let mut position: Vec<u32> = Vec::with_capacity(c.body.insts.len());
    for inst in &c.body.insts {
        let new = match (inst, exponent(&c.body, inst)) {
            (Inst::Op(_, arguments), Some(1.0)) => position[arguments[0] as usize],
            (Inst::Op(_, arguments), Some(2.0)) => {
                let base = position[arguments[0] as usize];
                body.op(Op::Mul, &[base, base])
            }
            (Inst::Op(op, arguments), _) => {
                let arguments: Vec<u32> = arguments.iter().map(|&a| position[a as usize]).collect();
                body.op(*op, &arguments)
            }
            (Inst::Read(_) | Inst::Index(_) | Inst::Const(_), _) => body.push(inst.clone()),
        };
        position.push(new);
    }
    body.result = position[c.body.result as usize];
    c.body = body.trimmed();
    c
}

/// Simplifies one scatter whose operands live in `graph`; its reads stay.
pub fn scatter(graph: &Graph, mut s: Scatter) -> Scatter {
    if let Some(domain) = s.domain.simplified(&s.extents) {
        s.domain = domain;
    }
    // The target's gathers refer to reads by number, so the reads stay as they are.
    s.body = fold(&s.body, &read_types(graph, &s.reads)).trimmed();
    s
}

/// `where(domain, x[...], 0)` without a reduction is `x[...]` guarded, if the guard it has already gives 0.
fn domain_to_guard(c: &mut Comprehension) {
    if c.reducer.is_some() || c.domain.is_always() {
        return;
    }
    let Some(number) = c.body.as_read() else {
        return;
    };
    let read = &mut c.reads[number as usize];
    let zero_fill = read.fill.value.to_bits() == 0;
    if !read.guard.is_always() && !zero_fill {
        return;
    }
    read.fill.value = 0.0;
    // The reads that a gather goes by stay in bounds by the domain too.
    let mut pending = vec![number];
    while let Some(number) = pending.pop() {
        let read = &mut c.reads[number as usize];
        read.guard = std::mem::take(&mut read.guard).and(&c.domain);
        pending.extend(
            read.subscripts
                .iter()
                .filter_map(|subscript| match subscript {
                    Subscript::Gather(other) => Some(*other),
                    Subscript::Affine(_) => None,
                }),
        );
    }
    c.domain = Guard::always();
}

fn read_types(graph: &Graph, reads: &[Read]) -> Vec<DType> {
    reads
        .iter()
        .map(|read| graph.ty(read.value).dtype)
        .collect()
}

fn simplify_code(
    graph: &Graph,
    reads: Vec<Read>,
    body: &Body,
    extents: &[usize],
) -> (Vec<Read>, Body) {
    let types = read_types(graph, &reads);
    let mut replaced = body.clone();
    let mut kept = reads;
    for (at, read) in kept.iter_mut().enumerate() {
        match read.guard.simplified(extents) {
            Some(guard) => read.guard = guard,
            None => replace_read(&mut replaced, at as u32, read.fill, types[at]),
        }
    }
    let body = fold(&replaced, &types).trimmed();
    compact(kept, &body)
}

fn replace_read(body: &mut Body, read: u32, fill: Literal, ty: DType) {
    let dtype = if ty == DType::U8 { DType::I32 } else { ty };
    for inst in body
        .insts
        .iter_mut()
        .filter(|inst| **inst == Inst::Read(read))
    {
        *inst = Inst::Const(Literal {
            dtype,
            value: fill.value,
        });
    }
}

/// Folds a body instruction by instruction.
fn fold(body: &Body, read_types: &[DType]) -> Body {
    let Some(types) = body.types(read_types) else {
        return body.clone();
    };
    let mut folded = Body::default();
    let mut position: Vec<u32> = Vec::with_capacity(body.insts.len());
    for (at, inst) in body.insts.iter().enumerate() {
        let new = match inst {
            Inst::Op(op, arguments) => {
                let arguments: Vec<u32> = arguments.iter().map(|&a| position[a as usize]).collect();
                fold_op(&mut folded, *op, &arguments, types[at])
            }
            Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => folded.push(inst.clone()),
        };
        position.push(new);
    }
    folded.result = position.get(body.result as usize).copied().unwrap_or(0);
    folded
}

fn literal(body: &Body, at: u32) -> Option<Literal> {
    match body.insts.get(at as usize) {
        Some(Inst::Const(literal)) => Some(*literal),
        _ => None,
    }
}

fn constant(body: &Body, at: u32) -> Option<f64> {
    literal(body, at).map(|literal| literal.value)
}

fn fold_op(body: &mut Body, op: Op, arguments: &[u32], ty: DType) -> u32 {
    let constants: Vec<Option<f64>> = arguments.iter().map(|&a| constant(body, a)).collect();
    let is = |at: usize, value: f64| {
        constants
            .get(at)
            .copied()
            .flatten()
            .is_some_and(|c| c == value && (value != 0.0 || c.is_sign_positive()))
    };
    match op {
        // x * 1 => x, 1 * x => x
        Op::Mul if is(1, 1.0) => return arguments[0],
        Op::Mul if is(0, 1.0) => return arguments[1],
        // x / 1 => x
        Op::Div if is(1, 1.0) => return arguments[0],
        // x - 0 => x
        Op::Sub if is(1, 0.0) => return arguments[0],
        // x + 0 => x for integers
        Op::Add if is(1, 0.0) && ty == DType::I32 => return arguments[0],
        Op::Add if is(0, 0.0) && ty == DType::I32 => return arguments[1],
        // select(true, a, b) => a, select(false, a, b) => b, select(c, a, a) => a
        Op::Select if is(0, 1.0) => return arguments[1],
        Op::Select if is(0, 0.0) => return arguments[2],
        Op::Select if arguments[1] == arguments[2] => return arguments[1],
        Op::Neg | Op::Not => {
            if let Some(Inst::Op(inner, of)) = body.insts.get(arguments[0] as usize)
                && *inner == op
            {
                return of[0]; // --x => x, not not c => c
            }
        }
        Op::And if is(0, 1.0) => return arguments[1],
        Op::And if is(1, 1.0) => return arguments[0],
        Op::Or if is(0, 0.0) => return arguments[1],
        Op::Or if is(1, 0.0) => return arguments[0],
        _ => {}
    }
    let literals: Option<Vec<Literal>> = arguments.iter().map(|&a| literal(body, a)).collect();
    match literals.and_then(|literals| fold_constants(op, &literals, ty)) {
        Some(value) => body.constant(ty, value),
        None => body.op(op, arguments),
    }
}

/// Constant results that are exact whatever precision the graph runs in: integers, conversions of whole numbers, and truth values that are
/// the same of numbers as written and as their type holds them.
fn fold_constants(op: Op, constants: &[Literal], ty: DType) -> Option<f64> {
    let a = constants.first()?.value;
    let b = constants.get(1).map(|literal| literal.value);
    let small = |x: f64| x.fract() == 0.0 && x.abs() <= 1e6;
    let both_small = b.filter(|&b| small(a) && small(b));
    match op {
        // The negative of the least i32 is itself.
        Op::Neg if ty.is_float() || small(a) => Some(-a),
        Op::Lt => truth(constants, |a, b| a < b),
        Op::Le => truth(constants, |a, b| a <= b),
        Op::Eq => truth(constants, |a, b| a == b),
        Op::Ne => truth(constants, |a, b| a != b),
        Op::Add => both_small.map(|b| a + b),
        Op::Sub => both_small.map(|b| a - b),
        Op::Mul => both_small
            .map(|b| a * b)
            .filter(|&product| product.abs() <= 1e6),
        Op::ToF32 | Op::ToF64 | Op::ToI32 if small(a) => Some(a),
        Op::ToBool => truth(constants, |a, _| a != 0.0),
        Op::Not => truth(constants, |a, _| a == 0.0),
        _ => None,
    }
}

/// Whether a condition holds of one or two constants; `None` where rounding to their type decides it.
fn truth(constants: &[Literal], holds: fn(f64, f64) -> bool) -> Option<f64> {
    let (a, b) = (constants.first()?, constants.get(1).or(constants.first())?);
    let held = |literal: &Literal| rounded(literal.dtype, literal.value);
    let found = holds(a.value, b.value);
    (found == holds(held(a), held(b))).then(|| f64::from(u8::from(found)))
}
