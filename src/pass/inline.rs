//! Substitution of producers into their readers.
//!
//! `views`: a producer whose body is one read or a constant (transpose, slice, broadcast, pad, splat) becomes part of the reader's access.
//! `fuse`: an elementwise producer joins the loop of its reader, when no expensive work is repeated.
//!
//! before: `v1[i0] = (add v0[i0] 1.0); v2[i0] = (mul v1[i0] v1[i0])`   after: `v2[i0] = let s = (add v0[i0] 1.0); (mul s s)`
//!
//! The operands of a contraction stay bare: there only unguarded views are substituted.
use super::rewrite::{Rewriter, in_bodies, use_counts};
use super::simplify;
use crate::ops::simplify::without_small_powers;
use crate::tir::build::affine_value;
use crate::tir::{Affine, Body, Comprehension, Graph, Inst, Node, Op, Read, Subscript, Value};
use rustc_hash::FxHashMap;

/// The pass that makes views vanish.
pub fn views(graph: &Graph) -> Graph {
    substitute(graph, views, &|_, producer, consumer, _| {
        is_view(producer) && fits_contraction(producer, consumer)
    })
}

/// The pass that joins elementwise loops.
pub fn fuse(graph: &Graph) -> Graph {
    substitute(graph, fuse, &worth_joining)
}

type Policy<'a> = &'a dyn Fn(usize, &Comprehension, &Comprehension, &Read) -> bool;

fn substitute(graph: &Graph, again: fn(&Graph) -> Graph, policy: Policy<'_>) -> Graph {
    let uses = use_counts(graph);
    let mut rewriter = Rewriter::new(graph);
    let mut uses_of_new: FxHashMap<Value, usize> = FxHashMap::default();
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), again);
        let node = match node {
            Node::Comprehension(c) => {
                Node::Comprehension(absorb(&rewriter.graph, c, &uses_of_new, policy))
            }
            other => other,
        };
        rewriter.replace(graph, data, node);
        for &result in &data.results {
            uses_of_new.insert(
                rewriter.image(result),
                uses.get(&result).copied().unwrap_or(0),
            );
        }
    }
    super::dce::dce(&rewriter.finish(graph))
}

/// Conditions of all guards of a comprehension that takes in another, at most: paddings of paddings add some each.
const MOST_CONDITIONS: usize = 96;

fn conditions(c: &Comprehension) -> usize {
    let guards = c.reads.iter().map(|read| read.guard.conditions.len());
    guards.sum()
}

/// Substitutes producers into one comprehension until none is left that fits.
fn absorb(
    graph: &Graph,
    mut c: Comprehension,
    uses: &FxHashMap<Value, usize>,
    policy: Policy<'_>,
) -> Comprehension {
    // A square is a product to what asks for one.
    c = without_small_powers(c);
    let mut refused = 0;
    while refused < c.reads.len() {
        let read = &c.reads[refused];
        let producer = match &graph.defining(read.value).node {
            Node::Comprehension(producer) => producer,
            _ => {
                refused += 1;
                continue;
            }
        };
        let used = uses.get(&read.value).copied().unwrap_or(0);
        let room = c.reads.len() + producer.reads.len() <= 14
            && c.body.insts.len() + producer.body.insts.len() <= 96
            && conditions(&c) + conditions(producer) <= MOST_CONDITIONS;
        if !room
            || !can_substitute(producer, read, &c.reads, refused)
            || !policy(used, producer, &c, read)
        {
            refused += 1;
            continue;
        }
        let joined = substituted(&c, refused, producer);
        if joined.reads.iter().any(Read::is_beyond) {
            refused += 1;
            continue;
        }
        c = simplify::comprehension(graph, joined);
        c = without_small_powers(c);
        refused = 0;
    }
    c
}

fn is_view(producer: &Comprehension) -> bool {
    producer.reducer.is_none()
        && producer.body.insts.len() == 1
        && !matches!(producer.body.insts[0], Inst::Index(_) | Inst::Op(..))
}

/// The operands of a product stay bare, unguarded reads.
fn fits_contraction(producer: &Comprehension, consumer: &Comprehension) -> bool {
    consumer.as_product().is_none()
        || (is_view(producer) && producer.reads.len() == 1 && producer.reads[0].guard.is_always())
}

fn is_expensive(body: &Body) -> bool {
    body.insts.iter().any(|inst| match inst {
        Inst::Op(op, _) => matches!(
            op,
            Op::Exp
                | Op::Log
                | Op::Sqrt
                | Op::Sin
                | Op::Cos
                | Op::Tanh
                | Op::Sigmoid
                | Op::Erf
                | Op::Pow
                | Op::Div
                | Op::Philox
                | Op::NormalQuantile
        ),
        Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => false,
    })
}

/// Whether every element is the same arithmetic on literals, which code generation takes out of any loop.
fn is_constant(producer: &Comprehension) -> bool {
    producer.reads.is_empty()
        && producer.body.insts.iter().all(|inst| match inst {
            Inst::Const(_) => true,
            Inst::Op(op, _) => !matches!(op, Op::Philox),
            Inst::Read(_) | Inst::Index(_) => false,
        })
}

fn worth_joining(
    uses: usize,
    producer: &Comprehension,
    consumer: &Comprehension,
    _read: &Read,
) -> bool {
    why_apart(uses, producer, consumer).is_none()
}

/// Why an elementwise producer does not join the loop of a reader; `None`: it does.
fn why_apart(
    uses: usize,
    producer: &Comprehension,
    consumer: &Comprehension,
) -> Option<&'static str> {
    if producer.reducer.is_some() {
        return Some("a reduction is whole before it is read");
    }
    if !fits_contraction(producer, consumer) {
        return Some("operands of a contraction stay bare");
    }
    if is_view(producer) || is_constant(producer) {
        return None;
    }
    let points: usize = consumer.extents().iter().product();
    let elements: usize = producer.shape.iter().product();
    let operations = producer
        .body
        .insts
        .iter()
        .filter(|inst| matches!(inst, Inst::Op(..)))
        .count();
    let cheap = operations <= 4 && producer.reads.len() <= 2 && !is_expensive(&producer.body);
    match (uses <= 1, points <= elements, cheap) {
        (true, true, _) | (false, true, true) => None,
        (true, false, true) if points <= 4 * elements => None,
        (_, false, _) => Some("the reader would compute each element several times"),
        (false, true, false) => Some("it has several readers and costs more than its memory"),
    }
}

/// For each reader of a value's definition that is a loop of its own: the reader, and why the two are not one loop.
pub fn readers_apart(graph: &Graph, value: Value) -> Vec<(Value, &'static str)> {
    let Node::Comprehension(producer) = &graph.defining(value).node else {
        return Vec::new();
    };
    let uses = use_counts(graph).get(&value).copied().unwrap_or(0);
    let mut apart = Vec::new();
    for (_, data) in graph.nodes() {
        let Node::Comprehension(consumer) = &data.node else {
            continue;
        };
        let reads = &consumer.reads;
        let Some(at) = reads.iter().position(|read| read.value == value) else {
            continue;
        };
        let why = if can_substitute(producer, &reads[at], reads, at) || producer.reducer.is_some() {
            why_apart(uses, producer, consumer)
        } else {
            Some("the reader takes it by positions known only at run time, or under a condition")
        };
        let why = why.unwrap_or("one loop would hold too many operands or operations");
        apart.push((data.results[0], why));
    }
    apart
}

/// Whether the producer's definition can stand in place of the read.
fn can_substitute(producer: &Comprehension, read: &Read, reads: &[Read], at: usize) -> bool {
    let affine = read
        .subscripts
        .iter()
        .all(|subscript| matches!(subscript, Subscript::Affine(_)));
    let gathered_by = reads
        .iter()
        .any(|other| other.subscripts.contains(&Subscript::Gather(at as u32)));
    let guards_agree = read.guard.is_always()
        || producer.body.as_read().is_some_and(|inner| {
            let inner = &producer.reads[inner as usize];
            producer.body.insts.len() == 1 && (inner.guard.is_always() || inner.fill == read.fill)
        });
    producer.reducer.is_none()
        && producer.domain.is_always()
        && affine
        && !gathered_by
        && guards_agree
}

/// The consumer with read number `at` replaced by the producer's definition.
fn substituted(consumer: &Comprehension, at: usize, producer: &Comprehension) -> Comprehension {
    let mut result = consumer.clone();
    let read = &consumer.reads[at];
    let map: Vec<Affine> = read
        .subscripts
        .iter()
        .filter_map(|subscript| match subscript {
            Subscript::Affine(affine) => Some(affine.clone()),
            Subscript::Gather(_) => None,
        })
        .collect();
    let first = consumer.reads.len() as u32;
    let top = producer.body.as_read();
    for (number, inner) in producer.reads.iter().enumerate() {
        let subscripts = inner.subscripts.iter().map(|subscript| match subscript {
            Subscript::Affine(affine) => Subscript::Affine(affine.substitute(&map)),
            Subscript::Gather(other) => Subscript::Gather(first + other),
        });
        let guard = inner.guard.substitute(&map).and(&read.guard);
        // Only the producer's own element takes the reader's fill; a read that a gather goes by has another type.
        let is_top = top == Some(number as u32);
        let fill = if is_top && inner.guard.is_always() && !read.guard.is_always() {
            read.fill
        } else {
            inner.fill
        };
        result.reads.push(Read {
            value: inner.value,
            subscripts: subscripts.collect(),
            guard,
            fill,
        });
    }
    let mut body = Body::default();
    let inlined = inline_body(&mut body, producer, first, &map);
    let mut position: Vec<u32> = Vec::with_capacity(consumer.body.insts.len());
    for inst in &consumer.body.insts {
        let new = match inst {
            Inst::Read(read) if *read as usize == at => inlined,
            Inst::Op(op, arguments) => body.push(Inst::Op(
                *op,
                arguments.iter().map(|&a| position[a as usize]).collect(),
            )),
            Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => body.push(inst.clone()),
        };
        position.push(new);
    }
    body.result = position
        .get(consumer.body.result as usize)
        .copied()
        .unwrap_or(0);
    result.body = body;
    result
}

fn inline_body(body: &mut Body, producer: &Comprehension, first_read: u32, map: &[Affine]) -> u32 {
    let mut position: Vec<u32> = Vec::with_capacity(producer.body.insts.len());
    for inst in &producer.body.insts {
        let new = match inst {
            Inst::Read(read) => body.push(Inst::Read(first_read + read)),
            Inst::Index(index) => affine_value(body, &map[*index as usize]),
            Inst::Const(_) => body.push(inst.clone()),
            Inst::Op(op, arguments) => body.push(Inst::Op(
                *op,
                arguments.iter().map(|&a| position[a as usize]).collect(),
            )),
        };
        position.push(new);
    }
    position
        .get(producer.body.result as usize)
        .copied()
        .unwrap_or(0)
}
