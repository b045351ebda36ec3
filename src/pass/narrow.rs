//! Narrowing: a comprehension of which all readers together read a box computes that box.
//!
//! before: `P[i] = sum[k] (mul x[i - k + 2] w[k])` for `i < 18`; `y[i] = f(P[i + 1])` for `i < 16`
//! after:  `P[i] = sum[k] (mul x[i - k + 3] w[k])` for `i < 16`; `y[i] = f(P[i])`
//!
//! The gradient by a padded tensor is such a `P`: its border belongs to the zeros, which nobody asks for. Every element that is left is
//! computed as before, so no bit changes. A dimension whose index the body reads as a number stays whole.
use super::rewrite::{Rewriter, in_bodies};
use crate::tir::{Affine, Comprehension, Graph, Inst, Node, Read, Subscript, Value};
use rustc_hash::FxHashMap;
use std::ops::Range;

/// A part of a tensor: a range of positions for each dimension.
type Part = Vec<Range<i64>>;

/// The pass.
pub fn narrow(graph: &Graph) -> Graph {
    let parts = wanted_parts(graph);
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let Node::Comprehension(c) = &data.node else {
            let node = in_bodies(&rewriter.translated(&data.node), narrow);
            rewriter.replace(graph, data, node);
            continue;
        };
        let mut new = match parts.get(&data.results[0]) {
            Some(part) => cut(c, part),
            None => c.clone(),
        };
        for read in &mut new.reads {
            if let Some(part) = parts.get(&read.value) {
                shift(read, part);
            }
            read.value = rewriter.image(read.value);
        }
        let value = rewriter.comprehension(new, data.origin);
        rewriter.set(data.results[0], value);
    }
    rewriter.finish(graph)
}

/// The parts of the comprehensions that are to be narrowed.
fn wanted_parts(graph: &Graph) -> FxHashMap<Value, Part> {
    // What readers want of each value so far; a value that something else uses is wanted whole.
    let mut wanted: FxHashMap<Value, Part> = FxHashMap::default();
    let mut narrowed: FxHashMap<Value, Part> = FxHashMap::default();
    for &value in &graph.outputs {
        wanted.insert(value, whole(graph, value));
    }
    for (_, data) in graph.nodes().rev() {
        let Node::Comprehension(c) = &data.node else {
            for value in data.node.operands() {
                wanted.insert(value, whole(graph, value));
            }
            continue;
        };
        let value = data.results[0];
        let part = wanted.get(&value).and_then(|part| narrower(c, part));
        let cut_down;
        let c = match &part {
            Some(part) => {
                cut_down = cut(c, part);
                &cut_down
            }
            None => c,
        };
        narrowed.extend(part.map(|part| (value, part)));
        for read in &c.reads {
            let part = read_part(read, &c.extents(), &graph.ty(read.value).shape);
            match wanted.get_mut(&read.value) {
                Some(others) => join(others, &part),
                None => drop(wanted.insert(read.value, part)),
            }
        }
    }
    narrowed
}

fn whole(graph: &Graph, value: Value) -> Part {
    let shape = &graph.ty(value).shape;
    shape.iter().map(|&size| 0..size as i64).collect()
}

fn join(part: &mut Part, other: &Part) {
    for (range, other) in part.iter_mut().zip(other) {
        *range = range.start.min(other.start)..range.end.max(other.end);
    }
}

/// What a read may touch, over the whole box of indices.
fn read_part(read: &Read, extents: &[usize], shape: &[usize]) -> Part {
    let sizes = shape.iter().map(|&size| size as i64);
    let ranges = read.subscripts.iter().zip(sizes);
    let range = |(subscript, size): (&Subscript, i64)| match subscript {
        Subscript::Affine(affine) if !extents.contains(&0) => {
            let (low, high) = affine.range(extents);
            // Beyond the bounds the guard fails.
            low.clamp(0, size)..(high + 1).clamp(0, size)
        }
        Subscript::Affine(_) | Subscript::Gather(_) => 0..size,
    };
    ranges.map(range).collect()
}

/// The part of a comprehension that is worth computing alone: not empty and not all.
fn narrower(c: &Comprehension, wanted: &Part) -> Option<Part> {
    let number = |dimension: usize| c.body.insts.contains(&Inst::Index(dimension as u32));
    let part: Part = wanted
        .iter()
        .zip(&c.shape)
        .enumerate()
        .map(|(dimension, (range, &size))| {
            if number(dimension) {
                0..size as i64
            } else {
                range.clone()
            }
        })
        .collect();
    let empty = part.iter().any(Range::is_empty);
    let all = part
        .iter()
        .zip(&c.shape)
        .all(|(range, &size)| *range == (0..size as i64));
    (!empty && !all).then_some(part)
}

/// The comprehension of a part.
fn cut(c: &Comprehension, part: &Part) -> Comprehension {
    let starts = part.iter().map(|range| range.start);
    let starts = starts.chain(c.reduce.iter().map(|_| 0));
    let map: Vec<Affine> = starts
        .enumerate()
        .map(|(index, start)| Affine::index(index).plus_constant(start))
        .collect();
    let mut new = c.clone();
    new.shape = part
        .iter()
        .map(|range| (range.end - range.start) as usize)
        .collect();
    new.domain = c.domain.substitute(&map);
    for read in &mut new.reads {
        read.guard = read.guard.substitute(&map);
        for subscript in &mut read.subscripts {
            if let Subscript::Affine(affine) = subscript {
                *affine = affine.substitute(&map);
            }
        }
    }
    new
}

/// A read of the part instead of the whole.
fn shift(read: &mut Read, part: &Part) {
    for (subscript, range) in read.subscripts.iter_mut().zip(part) {
        if let Subscript::Affine(affine) = subscript {
            *affine = affine.plus_constant(-range.start);
        }
    }
}
