//! Makes the operands of contractions plain: affine accesses without guards, which the contraction engine reads in place.
//!
//! before: `y[n, o, i] = sum[c, k] (mul x[n, c, i + k - 1]{in bounds else 0} w[o, c, k])`
//! after:  `p[n, c, j] = x[n, c, j - 1]{in bounds else 0}; y[n, o, i] = sum[c, k] (mul p[n, c, i + k] w[o, c, k])`
//!
//! A guard that only keeps subscripts in bounds becomes a copy with a border, if that is not far larger than the operand. Any other guard, and
//! a gather, becomes a copy over all indices that the access moves with: always right, at the cost of its memory.
use super::rewrite::{Rewriter, in_bodies};
use super::simplify::{self, compact};
use crate::base::source::Span;
use crate::tir::build::map;
use crate::tir::{
    Affine, Body, Comprehension, Condition, Graph, Guard, Inst, Node, Read, Subscript,
};
use std::collections::BTreeSet;

/// The pass.
pub fn outline(graph: &Graph) -> Graph {
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), outline);
        let node = match node {
            Node::Comprehension(c) if c.as_product().is_some() && !c.extents().contains(&0) => {
                Node::Comprehension(outlined(&mut rewriter.graph, c, data.origin))
            }
            other => other,
        };
        rewriter.replace(graph, data, node);
    }
    super::cse::cse(&rewriter.finish(graph))
}

fn outlined(graph: &mut Graph, mut c: Comprehension, origin: Span) -> Comprehension {
    let Some((a, b)) = c.as_product() else {
        return c;
    };
    let extents = c.extents();
    let first = plain(graph, &c, a, &extents, origin);
    let second = plain(graph, &c, b, &extents, origin);
    c.reads = if a == b {
        vec![first]
    } else {
        vec![first, second]
    };
    let mut body = Body::default();
    let arguments = [
        body.push(Inst::Read(0)),
        body.push(Inst::Read(if a == b { 0 } else { 1 })),
    ];
    body.result = body.op(crate::tir::Op::Mul, &arguments);
    c.body = body;
    c
}

/// An unguarded affine read of the same elements.
fn plain(graph: &mut Graph, c: &Comprehension, read: u32, extents: &[usize], origin: Span) -> Read {
    let access = &c.reads[read as usize];
    let affine: Option<Vec<Affine>> = access
        .subscripts
        .iter()
        .map(|subscript| match subscript {
            Subscript::Affine(affine) if affine.divisor() == 1 => Some(affine.clone()),
            Subscript::Affine(_) | Subscript::Gather(_) => None,
        })
        .collect();
    match affine {
        Some(_) if access.guard.is_always() => access.clone(),
        Some(subscripts)
            if only_bounds(graph, access, &subscripts)
                && is_little(graph, c, read, &subscripts, extents) =>
        {
            bordered(graph, access, &subscripts, extents, origin)
        }
        _ => copied(graph, c, read, extents, origin),
    }
}

/// Most elements of a copy with a border for each one of the operand, where a copy over all indices would have fewer.
const MOST_BORDER: usize = 8;

/// Whether a copy with a border is no larger than it may be: a far stride leaves most of it unread.
fn is_little(
    graph: &Graph,
    c: &Comprehension,
    read: u32,
    subscripts: &[Affine],
    extents: &[usize],
) -> bool {
    let elements = |sizes: &mut dyn Iterator<Item = usize>| sizes.fold(1, usize::saturating_mul);
    let ty = graph.ty(c.reads[read as usize].value);
    let mut reached = subscripts
        .iter()
        .zip(&ty.shape)
        .map(|(subscript, &size)| reach(subscript, size, extents))
        .map(|(low, high)| (high.saturating_sub(low) as usize).saturating_add(1));
    let mut indices = BTreeSet::new();
    collect(c, read, &mut indices);
    let whole = elements(&mut indices.into_iter().map(|index| extents[index]));
    elements(&mut reached) <= whole.max(ty.len().saturating_mul(MOST_BORDER))
}

/// The least and the greatest place along an axis that is there or that a subscript reaches.
fn reach(subscript: &Affine, size: usize, extents: &[usize]) -> (i64, i64) {
    let (low, high) = subscript.range(extents);
    (low.min(0), high.max(size as i64 - 1))
}

/// Whether every condition only keeps one subscript within its dimension.
fn only_bounds(graph: &Graph, read: &Read, subscripts: &[Affine]) -> bool {
    let shape = &graph.ty(read.value).shape;
    read.guard
        .conditions
        .iter()
        .all(|condition| match condition {
            Condition::NonNegative(_) => subscripts.iter().zip(shape).any(|(subscript, &size)| {
                Guard::within(subscript, size)
                    .conditions
                    .contains(condition)
            }),
            Condition::Zero(_) | Condition::Divisible(..) => false,
        })
}

/// A copy with a border of the fill value, wide enough for every subscript.
fn bordered(
    graph: &mut Graph,
    read: &Read,
    subscripts: &[Affine],
    extents: &[usize],
    origin: Span,
) -> Read {
    let ty = graph.ty(read.value).clone();
    let mut guard = Guard::always();
    let (mut shape, mut inner, mut outer) = (Vec::new(), Vec::new(), Vec::new());
    for (axis, subscript) in subscripts.iter().enumerate() {
        let (low, high) = reach(subscript, ty.shape[axis], extents);
        let position = Affine::new(low, [(axis, 1)]);
        guard = guard.and(&Guard::within(&position, ty.shape[axis]));
        shape.push((high - low + 1) as usize);
        inner.push(position);
        outer.push(subscript.plus_constant(-low));
    }
    let mut body = Body::default();
    body.result = body.push(Inst::Read(0));
    let source = Read {
        guard,
        fill: read.fill,
        ..Read::affine(read.value, ty.dtype, inner)
    };
    let copy = simplify::comprehension(graph, map(&shape, vec![source], body, ty.dtype));
    let value = graph.comprehension(copy, origin);
    Read::affine(value, ty.dtype, outer)
}

/// A copy over all indices that the access moves with.
fn copied(
    graph: &mut Graph,
    c: &Comprehension,
    read: u32,
    extents: &[usize],
    origin: Span,
) -> Read {
    let mut indices = BTreeSet::new();
    collect(c, read, &mut indices);
    let indices: Vec<usize> = indices.into_iter().collect();
    let mut renumber: Vec<Affine> = (0..extents.len()).map(Affine::index).collect();
    indices
        .iter()
        .enumerate()
        .for_each(|(new, &old)| renumber[old] = Affine::index(new));
    let mut reads = c.reads.clone();
    for other in &mut reads {
        other.guard = other.guard.substitute(&renumber);
        for subscript in &mut other.subscripts {
            if let Subscript::Affine(affine) = subscript {
                *affine = affine.substitute(&renumber);
            }
        }
    }
    let mut body = Body::default();
    body.result = body.push(Inst::Read(read));
    let (reads, body) = compact(reads, &body);
    let shape: Vec<usize> = indices.iter().map(|&index| extents[index]).collect();
    let copy = simplify::comprehension(graph, map(&shape, reads, body, c.dtype));
    let value = graph.comprehension(copy, origin);
    Read::affine(value, c.dtype, indices.into_iter().map(Affine::index))
}

fn collect(c: &Comprehension, read: u32, into: &mut BTreeSet<usize>) {
    let read = &c.reads[read as usize];
    for subscript in &read.subscripts {
        match subscript {
            Subscript::Affine(affine) => into.extend(affine.terms().map(|term| term.0)),
            Subscript::Gather(other) => collect(c, *other, into),
        }
    }
    read.guard
        .conditions
        .iter()
        .for_each(|condition| into.extend(condition.expression().terms().map(|term| term.0)));
}
