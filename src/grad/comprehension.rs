//! The gradient of comprehensions and scatters.
//!
//! | reducer | cotangent of the body at (i, r) |
//! |---|---|
//! | none, sum | `d[i]` |
//! | max, min | `d[i]` at the first extremal element, else 0: `select(argmax[i] == position(r), d[i], 0)` |
//! | prod | `d[i]` times the product of all other elements, which is a comprehension of its own (so zeros do no harm) |
//! | argmax | none |
//!
//! The gradient of a scatter gathers: the body's cotangent at a point is the result's at the place where the point was added.
use super::term::{Term, affine_code};
use crate::base::source::Span;
use crate::base::types::{DType, strides};
use crate::tir::{
    Affine, Comprehension, Graph, Guard, Inst, Literal, Op, Order, Read, Reducer, Scatter,
    Subscript, Value,
};

/// Contributions to the cotangents of operands: (operand, contribution), in the order of the reads.
pub(super) type Contributions = Vec<(Value, Value)>;

/// The contributions of a comprehension to its active operands.
pub(super) fn of_comprehension(
    graph: &mut Graph,
    c: &Comprehension,
    cotangent: Value,
    active: &dyn Fn(Value) -> bool,
    origin: Span,
) -> Result<Contributions, String> {
    let mut term = Term {
        extents: c.extents(),
        free: c.shape.len(),
        domain: c.domain.clone(),
        reads: c.reads.clone(),
        body: c.body.clone(),
    };
    let seed = match c.reducer {
        Some(Reducer::ArgMax) => return Ok(Vec::new()),
        None | Some(Reducer::Sum) => term.read(at_free_indices(cotangent, c.dtype, c.shape.len())),
        Some(Reducer::Max | Reducer::Min) => extreme_seed(graph, c, &mut term, cotangent, origin),
        Some(Reducer::Prod) => product_seed(graph, c, &mut term, cotangent, origin),
    };
    flows(graph, term, seed, active, origin)
}

/// The contributions of a scatter to its active operands.
pub(super) fn of_scatter(
    graph: &mut Graph,
    s: &Scatter,
    cotangent: Value,
    active: &dyn Fn(Value) -> bool,
    origin: Span,
) -> Result<Contributions, String> {
    let mut term = Term {
        extents: s.extents.clone(),
        free: s.extents.len(),
        domain: s.domain.clone(),
        reads: s.reads.clone(),
        body: s.body.clone(),
    };
    let seed = term.read(Read {
        subscripts: s.target.clone(),
        ..Read::affine(cotangent, s.dtype, [])
    });
    flows(graph, term, seed, active, origin)
}

fn flows(
    graph: &mut Graph,
    mut term: Term,
    seed: u32,
    active: &dyn Fn(Value) -> bool,
    origin: Span,
) -> Result<Contributions, String> {
    let adjoints = term.adjoints(graph, seed, active)?;
    let mut contributions = Vec::new();
    for (read, adjoint) in adjoints.into_iter().enumerate() {
        if let Some(adjoint) = adjoint {
            let operand = term.reads[read].value;
            if let Some(flow) = term.flow(graph, read, adjoint, origin) {
                contributions.push((operand, flow));
            }
        }
    }
    Ok(contributions)
}

fn at_free_indices(value: Value, dtype: DType, free: usize) -> Read {
    Read::affine(value, dtype, (0..free).map(Affine::index))
}

/// Row-major position within the reduction indices, which are numbered from `first`.
fn position(reduce: &[usize], first: usize) -> Affine {
    let strides = strides(reduce);
    Affine::new(
        0,
        strides
            .iter()
            .enumerate()
            .map(|(at, &stride)| (first + at, stride as i64)),
    )
}

fn extreme_seed(
    graph: &mut Graph,
    c: &Comprehension,
    term: &mut Term,
    cotangent: Value,
    origin: Span,
) -> u32 {
    let mut body = c.body.clone();
    if c.reducer == Some(Reducer::Min) {
        body.result = body.op(Op::Neg, &[body.result]);
    }
    let found = graph.comprehension(
        Comprehension {
            reducer: Some(Reducer::ArgMax),
            order: Order::default(),
            body,
            dtype: DType::I32,
            ..c.clone()
        },
        origin,
    );
    let free = c.shape.len();
    let found = term.read(at_free_indices(found, DType::I32, free));
    let cotangent = term.read(at_free_indices(cotangent, c.dtype, free));
    let here = affine_code(&mut term.body, &position(&c.reduce, free));
    let chosen = term.body.op(Op::Eq, &[found, here]);
    let zero = term.body.constant(c.dtype, 0.0);
    term.body.op(Op::Select, &[chosen, cotangent, zero])
}

/// `others[i, r] = prod[s] (position(s) == position(r) ? 1 : body(i, s))`
fn product_seed(
    graph: &mut Graph,
    c: &Comprehension,
    term: &mut Term,
    cotangent: Value,
    origin: Span,
) -> u32 {
    let (free, reduced) = (c.shape.len(), c.reduce.len());
    // The factors' reduction indices move behind the free ones of the new comprehension.
    let map: Vec<Affine> = (0..free + reduced)
        .map(|index| Affine::index(if index < free { index } else { index + reduced }))
        .collect();
    let mut factors = Term {
        extents: Vec::new(),
        free,
        domain: c.domain.clone(),
        reads: c.reads.clone(),
        body: c.body.clone(),
    }
    .renamed(&map);
    let body = &mut factors.body;
    let one = body.constant(c.dtype, 1.0);
    let own = affine_code(body, &position(&c.reduce, free));
    let other = affine_code(body, &position(&c.reduce, free + reduced));
    let same = body.op(Op::Eq, &[own, other]);
    body.result = body.op(Op::Select, &[same, one, body.result]);
    let others = graph.comprehension(
        Comprehension {
            shape: c.extents(),
            domain: factors.domain,
            reads: factors.reads,
            body: factors.body,
            ..c.clone()
        },
        origin,
    );
    let others = term.read(at_free_indices(others, c.dtype, free + reduced));
    let cotangent = term.read(at_free_indices(cotangent, c.dtype, free));
    term.body.op(Op::Mul, &[cotangent, others])
}

/// The part of a concatenation's cotangent that belongs to the operand starting at `start` along the axis.
pub(super) fn slice(
    graph: &mut Graph,
    cotangent: Value,
    operand: Value,
    axis: usize,
    start: usize,
    origin: Span,
) -> Value {
    let ty = graph.ty(operand).clone();
    let subscripts = (0..ty.shape.len()).map(|at| {
        let offset = if at == axis { start as i64 } else { 0 };
        Affine::index(at).plus_constant(offset)
    });
    let mut body = crate::tir::Body::default();
    body.result = body.push(Inst::Read(0));
    let reads = vec![Read {
        value: cotangent,
        subscripts: subscripts.map(Subscript::Affine).collect(),
        guard: Guard::always(),
        fill: Literal {
            dtype: ty.dtype,
            value: 0.0,
        },
    }];
    graph.comprehension(
        crate::tir::build::map(&ty.shape, reads, body, ty.dtype),
        origin,
    )
}
