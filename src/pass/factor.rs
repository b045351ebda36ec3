//! Recognises contractions: a sum whose body is a product of several factors becomes a product of two bare operands.
//!
//! before: `v2[i0, i1] = sum[i2] (mul (mul (max v0[i0, i2] 0) v1[i2, i1]) s[])`
//! after:  `a[i0, i2] = (max v0[i0, i2] 0); p[i0, i1] = sum[i2] (mul a[i0, i2] v1[i2, i1]); v2[i0, i1] = (mul p[i0, i1] s[])`
//!
//! Factors that no reduction index moves leave the sum, and so does a choice between products and 0; the others are gathered into two
//! groups, the pair with the smallest common index space first; a group that is not a bare read becomes a comprehension of its own. A sum
//! over a sum of two becomes one contraction if a common factor can be pulled out, else two sums if one of them is a contraction. This
//! re-associates the product, so it is part of the meaning of the optimised graph. A sum stays as it is where the two groups do not each have a free index of their own (a dot product or
//! an elementwise product under a sum gains nothing from a register tile).
use super::order::is_tiled;
use super::rewrite::{Rewriter, in_bodies};
use super::simplify::{self, compact};
use crate::base::source::Span;
use crate::tir::build::map;
use crate::tir::verify::in_bounds;
use crate::tir::{
    Affine, Body, Comprehension, Condition, Graph, Guard, Inst, Node, Op, Read, Reducer, Subscript,
    Value,
};
use std::collections::BTreeSet;

/// The pass.
pub fn factor(graph: &Graph) -> Graph {
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), factor);
        let product = match &node {
            Node::Comprehension(c) => factored(&mut rewriter.graph, c, data.origin)
                .or_else(|| addends(&mut rewriter.graph, c, data.origin)),
            _ => None,
        };
        match product {
            Some(value) => rewriter.set(data.results[0], value),
            None => rewriter.replace(graph, data, node),
        }
    }
    rewriter.finish(graph)
}

type Indices = BTreeSet<usize>;

/// A factor that a reduction index moves: one instruction of the body, or a product of several.
struct Group {
    insts: Vec<u32>,
    indices: Indices,
}

fn factored(graph: &mut Graph, c: &Comprehension, origin: Span) -> Option<Value> {
    if c.reducer != Some(Reducer::Sum)
        || !c.dtype.is_float()
        || c.as_product().is_some()
        || c.extents().contains(&0)
    {
        return None;
    }
    let mut split = Split::default();
    split.visit(c, c.body.result);
    let domain = outer_domain(graph, c, &split.outer)?;
    let groups = two_groups(c, std::mem::take(&mut split.inner))?;
    if !gains(c, &groups) {
        return None;
    }
    let guarded = guard_owner(graph, c, &groups)?;
    let reads: Vec<Read> = groups
        .iter()
        .enumerate()
        .map(|(at, group)| operand(graph, c, group, at == guarded, origin))
        .collect();
    let mut body = Body::default();
    let arguments = [body.push(Inst::Read(0)), body.push(Inst::Read(1))];
    body.result = body.op(Op::Mul, &arguments);
    let product = Comprehension {
        reads,
        body,
        domain: Guard::always(),
        ..c.clone()
    };
    let product = simplify::comprehension(graph, product);
    let value = graph.comprehension(product, origin);
    Some(apply_outer(graph, c, value, &split, domain, origin))
}

/// What is done to a sum, instead of to each of its elements, by an instruction that no reduction index moves.
enum Outer {
    /// Multiplies by it.
    Times(u32),
    /// Divides by it.
    Over(u32),
    /// Keeps the sum where the condition is so, else gives 0.
    Where(u32, bool),
}

/// The factors of a body: those that reduction indices move, and what no reduction index moves, innermost first.
#[derive(Default)]
struct Split {
    inner: Vec<Group>,
    outer: Vec<Outer>,
    negative: bool,
}

impl Split {
    /// Takes an instruction apart. A choice that leaves the sum gives 0 even where a factor beside it is infinite.
    fn visit(&mut self, c: &Comprehension, at: u32) {
        let is_moved = |at: u32| {
            let mut indices = indices_of(c, at).into_iter();
            indices.any(|index| index >= c.shape.len())
        };
        if !is_moved(at) {
            self.outer.push(Outer::Times(at));
            return;
        }
        match &c.body.insts[at as usize] {
            Inst::Op(Op::Mul, arguments) => {
                let (moved, fixed): (Vec<u32>, Vec<u32>) =
                    arguments.iter().partition(|&&argument| is_moved(argument));
                for &argument in &moved {
                    self.visit(c, argument);
                }
                self.outer.extend(fixed.into_iter().map(Outer::Times));
            }
            Inst::Op(Op::Neg, arguments) => {
                self.negative = !self.negative;
                self.visit(c, arguments[0]);
            }
            Inst::Op(Op::Div, arguments) if !is_moved(arguments[1]) => {
                self.visit(c, arguments[0]);
                self.outer.push(Outer::Over(arguments[1]));
            }
            Inst::Op(Op::Select, arguments)
                if !is_moved(arguments[0]) && chooses_zero(c, arguments).is_some() =>
            {
                let first = chooses_zero(c, arguments) == Some(2);
                self.visit(c, arguments[if first { 1 } else { 2 }]);
                self.outer.push(Outer::Where(arguments[0], first));
            }
            _ => self.inner.push(Group {
                insts: vec![at],
                indices: indices_of(c, at),
            }),
        }
    }
}

/// Which branch of a choice is the constant 0.
fn chooses_zero(c: &Comprehension, arguments: &[u32]) -> Option<usize> {
    [1, 2].into_iter().find(|&branch| {
        let inst = &c.body.insts[arguments[branch] as usize];
        matches!(inst, Inst::Const(literal) if literal.value == 0.0)
    })
}

/// The sum of a sum of two: one contraction where they have a factor in common, else the sum of two sums where one is a contraction.
fn addends(graph: &mut Graph, c: &Comprehension, origin: Span) -> Option<Value> {
    let Some(Inst::Op(op @ (Op::Add | Op::Sub), sides)) =
        c.body.insts.get(c.body.result as usize).cloned()
    else {
        return None;
    };
    if c.reducer != Some(Reducer::Sum) || !c.dtype.is_float() {
        return None;
    }
    for pulled in common_factors(c, op, [sides[0], sides[1]]) {
        let product = factored(graph, &pulled, origin);
        if product.is_some() {
            return product;
        }
    }
    let parts = [sides[0], sides[1]].map(|side| {
        let mut body = c.body.clone();
        body.result = side;
        let (reads, body) = compact(c.reads.clone(), &body.trimmed());
        simplify::comprehension(
            graph,
            Comprehension {
                reads,
                body,
                ..c.clone()
            },
        )
    });
    let products = parts.each_ref().map(|part| {
        if is_tiled(part) {
            return Some(graph.comprehension(part.clone(), origin));
        }
        factored(graph, part, origin).or_else(|| addends(graph, part, origin))
    });
    if products.iter().all(Option::is_none) {
        return None;
    }
    let reads = parts.into_iter().zip(products).map(|(part, product)| {
        let value = product.unwrap_or_else(|| graph.comprehension(part, origin));
        Read::affine(value, c.dtype, (0..c.shape.len()).map(Affine::index))
    });
    let reads: Vec<Read> = reads.collect();
    let mut body = Body::default();
    let arguments = [body.push(Inst::Read(0)), body.push(Inst::Read(1))];
    body.result = body.op(op, &arguments);
    let both = simplify::comprehension(graph, map(&c.shape, reads, body, c.dtype));
    Some(graph.comprehension(both, origin))
}

/// `f * a + f * b` as `f * (a + b)`, for every factor that both sides have.
fn common_factors(c: &Comprehension, op: Op, sides: [u32; 2]) -> Vec<Comprehension> {
    let lists = sides.map(|side| {
        let mut list = Vec::new();
        factors(&c.body, side, &mut list);
        list
    });
    let common = lists[0].iter().filter(|factor| lists[1].contains(factor));
    common
        .filter_map(|&factor| {
            let mut body = c.body.clone();
            let mut rests = [0, 0];
            for (rest, list) in rests.iter_mut().zip(&lists) {
                let at = list.iter().position(|&other| other == factor)?;
                let mut others = list.clone();
                others.remove(at);
                *rest = others
                    .into_iter()
                    .reduce(|product, other| body.op(Op::Mul, &[product, other]))?;
            }
            let sum = body.op(op, &rests);
            body.result = body.op(Op::Mul, &[factor, sum]);
            let (reads, body) = compact(c.reads.clone(), &body.trimmed());
            Some(Comprehension {
                reads,
                body,
                ..c.clone()
            })
        })
        .collect()
}

/// The factors of a product, itself if it is none.
fn factors(body: &Body, at: u32, into: &mut Vec<u32>) {
    match &body.insts[at as usize] {
        Inst::Op(Op::Mul, arguments) => arguments
            .iter()
            .for_each(|&argument| factors(body, argument, into)),
        Inst::Op(..) | Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => into.push(at),
    }
}

fn affine_indices(affine: &Affine, into: &mut Indices) {
    into.extend(affine.terms().map(|term| term.0));
}

fn read_indices(c: &Comprehension, read: u32, into: &mut Indices) {
    let read = &c.reads[read as usize];
    for subscript in &read.subscripts {
        match subscript {
            Subscript::Affine(affine) => affine_indices(affine, into),
            Subscript::Gather(other) => read_indices(c, *other, into),
        }
    }
    guard_indices(&read.guard, into);
}

fn guard_indices(guard: &Guard, into: &mut Indices) {
    guard
        .conditions
        .iter()
        .for_each(|condition| affine_indices(condition.expression(), into));
}

fn indices_of(c: &Comprehension, at: u32) -> Indices {
    let mut indices = Indices::new();
    let mut pending = vec![at];
    while let Some(at) = pending.pop() {
        match &c.body.insts[at as usize] {
            Inst::Read(read) => read_indices(c, *read, &mut indices),
            Inst::Index(index) => {
                indices.insert(*index as usize);
            }
            Inst::Const(_) => {}
            Inst::Op(_, arguments) => pending.extend(arguments),
        }
    }
    indices
}

/// Merges groups, the pair with the smallest common index space first, until two are left.
fn two_groups(c: &Comprehension, mut groups: Vec<Group>) -> Option<[Group; 2]> {
    let extents = c.extents();
    let space = |indices: &Indices| {
        indices
            .iter()
            .map(|&index| extents[index] as f64)
            .product::<f64>()
    };
    while groups.len() > 2 {
        let mut best = (f64::INFINITY, 0, 1);
        for a in 0..groups.len() {
            for b in a + 1..groups.len() {
                let size = space(
                    &groups[a]
                        .indices
                        .union(&groups[b].indices)
                        .copied()
                        .collect(),
                );
                if size < best.0 {
                    best = (size, a, b);
                }
            }
        }
        let merged = groups.remove(best.2);
        groups[best.1].insts.extend(merged.insts);
        groups[best.1].indices.extend(merged.indices);
    }
    <[Group; 2]>::try_from(groups).ok()
}

/// Whether each group has a free index of its own, of more than one value.
fn gains(c: &Comprehension, groups: &[Group; 2]) -> bool {
    let own = |a: &Group, b: &Group| {
        a.indices.iter().any(|&index| {
            index < c.shape.len() && c.shape[index] > 1 && !b.indices.contains(&index)
        })
    };
    own(&groups[0], &groups[1]) && own(&groups[1], &groups[0])
}

/// The read that a group is, if it is one without a gather: such a read can stay in place and take a guard of any indices.
fn bare(c: &Comprehension, group: &Group) -> Option<u32> {
    let affine = |read: u32| {
        c.reads[read as usize]
            .subscripts
            .iter()
            .all(|subscript| matches!(subscript, Subscript::Affine(_)))
    };
    match group.insts.as_slice() {
        [at] => match c.body.insts[*at as usize] {
            Inst::Read(read) if affine(read) => Some(read),
            _ => None,
        },
        _ => None,
    }
}

/// Which group is made zero outside the domain; `None` where neither can be.
fn guard_owner(graph: &Graph, c: &Comprehension, groups: &[Group; 2]) -> Option<usize> {
    if c.domain.is_always() {
        return Some(usize::MAX);
    }
    let mut domain = Indices::new();
    guard_indices(&c.domain, &mut domain);
    let can = |group: &Group| match bare(c, group) {
        Some(read) => {
            let read = &c.reads[read as usize];
            read.guard.is_always() || read.fill.value.to_bits() == 0
        }
        None => domain.is_subset(&group.indices),
    };
    let missing = |group: &Group| domain.difference(&group.indices).count();
    let order = if missing(&groups[1]) < missing(&groups[0]) {
        [1, 0]
    } else {
        [0, 1]
    };
    let owner = order.into_iter().find(|&at| can(&groups[at]))?;
    let other = &groups[1 - owner];
    (in_bounds_alone(graph, c, other) || can(other)).then_some(owner)
}

/// Whether every read of the group stays in bounds without the domain.
fn in_bounds_alone(graph: &Graph, c: &Comprehension, group: &Group) -> bool {
    in_bounds_within(graph, c, &group.insts, &Guard::always())
}

/// Whether every read that the instructions need stays in bounds wherever the guard holds.
fn in_bounds_within(graph: &Graph, c: &Comprehension, insts: &[u32], within: &Guard) -> bool {
    let extents = c.extents();
    let mut pending = insts.to_vec();
    let mut reads: Vec<u32> = Vec::new();
    while let Some(at) = pending.pop() {
        match &c.body.insts[at as usize] {
            Inst::Read(read) => reads.push(*read),
            Inst::Op(_, arguments) => pending.extend(arguments),
            Inst::Index(_) | Inst::Const(_) => {}
        }
    }
    while let Some(read) = reads.pop() {
        let read = &c.reads[read as usize];
        for (subscript, &size) in read.subscripts.iter().zip(&graph.ty(read.value).shape) {
            match subscript {
                Subscript::Affine(affine)
                    if !in_bounds(affine, size, &extents, &[&read.guard, within]) =>
                {
                    return false;
                }
                Subscript::Affine(_) => {}
                Subscript::Gather(other) => reads.push(*other),
            }
        }
    }
    true
}

/// The conditions of the domain that no reduction index moves.
fn free_domain(c: &Comprehension) -> Guard {
    let free = |condition: &&Condition| {
        let mut terms = condition.expression().terms();
        terms.all(|(index, _)| index < c.shape.len())
    };
    Guard {
        conditions: c.domain.conditions.iter().filter(free).cloned().collect(),
    }
}

/// Where what leaves the sum is to be computed, so that its reads stay in bounds; the sum is 0 elsewhere. `None` where that cannot be said
/// without the reduction indices.
fn outer_domain(graph: &Graph, c: &Comprehension, outer: &[Outer]) -> Option<Guard> {
    let insts: Vec<u32> = outer
        .iter()
        .map(|outer| match *outer {
            Outer::Times(at) | Outer::Over(at) | Outer::Where(at, _) => at,
        })
        .collect();
    [Guard::always(), free_domain(c)]
        .into_iter()
        .find(|within| in_bounds_within(graph, c, &insts, within))
}

/// The bare read that stands for a group, adding a comprehension where the group is more than a read.
fn operand(
    graph: &mut Graph,
    c: &Comprehension,
    group: &Group,
    zero_outside: bool,
    origin: Span,
) -> Read {
    let alone = c.domain.is_always() || in_bounds_alone(graph, c, group);
    let guarded = zero_outside || !alone;
    if let Some(read) = bare(c, group) {
        let mut read = c.reads[read as usize].clone();
        if guarded {
            read.guard = read.guard.and(&c.domain);
            read.fill.value = 0.0;
        }
        return read;
    }
    let indices = layout(c, group);
    let extents = c.extents();
    let mut renumber: Vec<Affine> = (0..extents.len()).map(Affine::index).collect();
    indices
        .iter()
        .enumerate()
        .for_each(|(new, &old)| renumber[old] = Affine::index(new));
    let (reads, body) = extract(c, &group.insts, &renumber);
    let shape: Vec<usize> = indices.iter().map(|&index| extents[index]).collect();
    let mut outlined = map(&shape, reads, body, c.dtype);
    if guarded {
        outlined.domain = c.domain.substitute(&renumber);
    }
    let outlined = simplify::comprehension(graph, outlined);
    let value = graph.comprehension(outlined, origin);
    Read::affine(value, c.dtype, indices.into_iter().map(Affine::index))
}

/// The indices of a group in the order in which its widest plain read walks them, so that it is stored as what it is made from.
fn layout(c: &Comprehension, group: &Group) -> Vec<usize> {
    let mut widest: Vec<usize> = Vec::new();
    let mut pending = group.insts.clone();
    while let Some(at) = pending.pop() {
        match &c.body.insts[at as usize] {
            Inst::Read(read) => {
                let mut walked: Vec<usize> = Vec::new();
                for subscript in &c.reads[*read as usize].subscripts {
                    if let Subscript::Affine(affine) = subscript
                        && let Some(index) = affine.as_index()
                        && !walked.contains(&index)
                    {
                        walked.push(index);
                    }
                }
                if walked.len() > widest.len() {
                    widest = walked;
                }
            }
            Inst::Op(_, arguments) => pending.extend(arguments),
            Inst::Index(_) | Inst::Const(_) => {}
        }
    }
    let others = group.indices.iter().filter(|index| !widest.contains(index));
    others.chain(&widest).copied().collect()
}

/// The product of some instructions of a comprehension's body as code of its own, its indices renumbered.
fn extract(c: &Comprehension, insts: &[u32], renumber: &[Affine]) -> (Vec<Read>, Body) {
    let mut body = c.body.clone();
    let product = insts[1..].iter().fold(insts[0], |product, &inst| {
        body.op(Op::Mul, &[product, inst])
    });
    body.result = product;
    let mut body = body.trimmed();
    for inst in &mut body.insts {
        if let Inst::Index(index) = inst {
            *index = renumber[*index as usize]
                .as_index()
                .unwrap_or(*index as usize) as u32;
        }
    }
    let mut reads = c.reads.clone();
    for read in &mut reads {
        read.guard = read.guard.substitute(renumber);
        for subscript in &mut read.subscripts {
            if let Subscript::Affine(affine) = subscript {
                *affine = affine.substitute(renumber);
            }
        }
    }
    compact(reads, &body)
}

/// Applies, within the domain, what left the sum.
fn apply_outer(
    graph: &mut Graph,
    c: &Comprehension,
    product: Value,
    split: &Split,
    domain: Guard,
    origin: Span,
) -> Value {
    if split.outer.is_empty() && !split.negative {
        return product;
    }
    let mut body = c.body.clone();
    let mut reads = c.reads.clone();
    reads.push(Read::affine(
        product,
        c.dtype,
        (0..c.shape.len()).map(Affine::index),
    ));
    let mut result = body.push(Inst::Read(reads.len() as u32 - 1));
    for outer in &split.outer {
        result = match *outer {
            Outer::Times(factor) => body.op(Op::Mul, &[result, factor]),
            Outer::Over(divisor) => body.op(Op::Div, &[result, divisor]),
            Outer::Where(condition, first) => {
                let zero = body.constant(c.dtype, 0.0);
                let branches = if first {
                    [result, zero]
                } else {
                    [zero, result]
                };
                body.op(Op::Select, &[condition, branches[0], branches[1]])
            }
        };
    }
    if split.negative {
        result = body.op(Op::Neg, &[result]);
    }
    body.result = result;
    let (reads, body) = compact(reads, &body.trimmed());
    let scaled = Comprehension {
        domain,
        ..map(&c.shape, reads, body, c.dtype)
    };
    let scaled = simplify::comprehension(graph, scaled);
    graph.comprehension(scaled, origin)
}
