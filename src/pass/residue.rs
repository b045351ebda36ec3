//! Residues: what is guarded by a congruence (the gradient of a strided access) splits into dense comprehensions, one for each residue.
//!
//! before: `dx[q < 8] = sum[k < 3] (mul dy[(q - k)/2]{q - k % 2 == 0, ...} w[k])`
//! after:  even[q' < 4] = sum[k' < 2] (mul dy[q' - k'] w[2*k']), odd[q' < 4] = sum[k' < 1] (mul dy[q' - k'] w[2*k' + 1]),
//!         and `dx` is the two interleaved (concat over a new last axis, then reshape): no copy, the parts are stored with a stride.
//!
//! Terms that fail the congruence are zeros under a sum from +0, so leaving them out changes no bit of finite sums. Only one index that is
//! reduced may take part in a congruence; other forms stay as they are and are tested element by element.
use super::rewrite::{Rewriter, in_bodies};
use super::simplify;
use crate::base::source::Span;
use crate::base::types::Type;
use crate::tir::build::{affine_value, map};
use crate::tir::verify::in_bounds;
use crate::tir::{
    Affine, Body, Comprehension, Condition, Graph, Guard, Inst, Node, Read, Reducer, Subscript,
    Value,
};

/// The pass.
pub fn residue(graph: &Graph) -> Graph {
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), residue);
        let split = match &node {
            Node::Comprehension(c) => find(c)
                .map(|congruence| interleaved(&mut rewriter.graph, c, &congruence, data.origin)),
            _ => None,
        };
        match split {
            Some(value) => rewriter.set(data.results[0], value),
            None => rewriter.replace(graph, data, node),
        }
    }
    rewriter.finish(graph)
}

/// `expression % by == 0`, the free index that is split, and the reduction index that takes part, if one does.
struct Congruence {
    expression: Affine,
    by: usize,
    free: usize,
    reduced: Option<usize>,
}

fn find(c: &Comprehension) -> Option<Congruence> {
    if !matches!(c.reducer, Some(Reducer::Sum)) || c.extents().contains(&0) {
        return None;
    }
    let guards = std::iter::once(&c.domain).chain(c.reads.iter().map(|read| &read.guard));
    guards
        .flat_map(|guard| &guard.conditions)
        .find_map(|condition| match condition {
            Condition::Divisible(expression, by) => usable(c, expression, *by),
            Condition::NonNegative(_) | Condition::Zero(_) => None,
        })
}

fn usable(c: &Comprehension, expression: &Affine, by: i64) -> Option<Congruence> {
    let odd: Vec<(usize, i64)> = expression.terms().filter(|term| term.1 % by != 0).collect();
    let free: Vec<usize> = odd
        .iter()
        .filter(|term| term.0 < c.shape.len())
        .map(|term| term.0)
        .collect();
    let reduced: Vec<usize> = odd
        .iter()
        .filter(|term| term.0 >= c.shape.len())
        .map(|term| term.0)
        .collect();
    let unit = |index: usize| expression.coefficient(index).abs() == 1;
    match (free.as_slice(), reduced.as_slice()) {
        ([free], []) if unit(*free) && by <= 16 => Some(Congruence {
            expression: expression.clone(),
            by: by as usize,
            free: *free,
            reduced: None,
        }),
        ([free], [k]) if unit(*free) && unit(*k) && by <= 16 => Some(Congruence {
            expression: expression.clone(),
            by: by as usize,
            free: *free,
            reduced: Some(*k),
        }),
        _ => None,
    }
}

fn interleaved(
    graph: &mut Graph,
    c: &Comprehension,
    congruence: &Congruence,
    origin: Span,
) -> Value {
    let by = congruence.by;
    let axis = congruence.free;
    let size = c.shape[axis];
    let part_size = size.div_ceil(by);
    let mut shape = c.shape.clone();
    shape[axis] = part_size;
    let mut unit_shape = shape.clone();
    unit_shape.insert(axis + 1, 1);
    let parts: Vec<Value> = (0..by)
        .map(|residue| {
            let part = part(graph, c, congruence, residue, &shape, origin);
            graph.add(
                Node::Reshape(part),
                vec![Type::new(c.dtype, unit_shape.clone())],
                origin,
            )[0]
        })
        .collect();
    let mut split_shape = unit_shape;
    split_shape[axis + 1] = by;
    let joined = graph.add(
        Node::Concat(parts, axis + 1),
        vec![Type::new(c.dtype, split_shape)],
        origin,
    )[0];
    let mut merged_shape = shape;
    merged_shape[axis] = part_size * by;
    let merged = graph.add(
        Node::Reshape(joined),
        vec![Type::new(c.dtype, merged_shape)],
        origin,
    )[0];
    if part_size * by == size {
        return merged;
    }
    let mut body = Body::default();
    body.result = body.push(Inst::Read(0));
    let read = Read::affine(merged, c.dtype, (0..c.shape.len()).map(Affine::index));
    graph.comprehension(map(&c.shape, vec![read], body, c.dtype), origin)
}

/// The elements whose split index has one residue.
fn part(
    graph: &mut Graph,
    c: &Comprehension,
    congruence: &Congruence,
    residue: usize,
    shape: &[usize],
    origin: Span,
) -> Value {
    let (by, free) = (congruence.by as i64, congruence.free);
    let mut image: Vec<Affine> = (0..c.extents().len()).map(Affine::index).collect();
    image[free] = Affine::new(residue as i64, [(free, by)]);
    let mut part = Comprehension {
        shape: shape.to_vec(),
        ..c.clone()
    };
    let start =
        congruence.expression.offset() + congruence.expression.coefficient(free) * residue as i64;
    let fits = match congruence.reduced {
        None => start.rem_euclid(by) == 0,
        Some(k) => {
            let sign = congruence.expression.coefficient(k);
            let first = (-start * sign).rem_euclid(by);
            let extent = c.reduce[k - c.shape.len()] as i64;
            image[k] = Affine::new(first, [(k, by)]);
            part.reduce[k - c.shape.len()] =
                ((extent - first).max(0) as usize).div_ceil(congruence.by);
            first < extent
        }
    };
    if !fits {
        return graph.splat(c.dtype, 0.0, shape, origin);
    }
    let beyond = Affine::constant(c.shape[free] as i64 - 1).minus(&image[free]);
    apply(graph, &mut part, &image, Condition::NonNegative(beyond));
    let part = simplify::comprehension(graph, part);
    match find(&part) {
        Some(congruence) => interleaved(graph, &part, &congruence, origin),
        None => graph.comprehension(part, origin),
    }
}

/// Renumbers every access; `inside` keeps a last, shorter part within the old extent. A product, which has no domain, need not give zeros
/// beyond it, where nothing is read: only its accesses stay in bounds.
fn apply(graph: &Graph, part: &mut Comprehension, image: &[Affine], inside: Condition) {
    let product = part.as_product().is_some();
    let extents = part.extents();
    part.domain = part.domain.substitute(image);
    let uneven = inside.decided(&extents) != Some(true);
    if uneven && !product {
        part.domain.push(inside);
    }
    for read in &mut part.reads {
        read.guard = read.guard.substitute(image);
        let sizes = &graph.ty(read.value).shape;
        for (subscript, &size) in read.subscripts.iter_mut().zip(sizes) {
            if let Subscript::Affine(affine) = subscript {
                *affine = affine.substitute(image);
                if uneven && product && !in_bounds(affine, size, &extents, &[&read.guard]) {
                    read.guard = std::mem::take(&mut read.guard).and(&Guard::within(affine, size));
                }
            }
        }
    }
    let insts = std::mem::take(&mut part.body);
    part.body = with_indices(&insts, image);
}

fn with_indices(old: &Body, image: &[Affine]) -> Body {
    let mut body = Body::default();
    let mut position: Vec<u32> = Vec::with_capacity(old.insts.len());
    for inst in &old.insts {
        let new = match inst {
            Inst::Index(index) => affine_value(&mut body, &image[*index as usize]),
            Inst::Op(op, arguments) => body.push(Inst::Op(
                *op,
                arguments.iter().map(|&a| position[a as usize]).collect(),
            )),
            Inst::Read(_) | Inst::Const(_) => body.push(inst.clone()),
        };
        position.push(new);
    }
    body.result = position.get(old.result as usize).copied().unwrap_or(0);
    body
}
