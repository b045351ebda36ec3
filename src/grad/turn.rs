//! Turning an access round: the gradient of `y[p] = f(x[e(p)], ...)` with respect to `x[q]` runs over the points `p` with `e(p) = q`.
//!
//! Each subscript's equation `e_d(p) = q_d` is solved for one index, which vanishes; what cannot be solved becomes a condition. The
//! indices that are left are summed over.
//!
//! `y[i, o] = sum[k] (mul x[i + k] w[o, k])` gives `dx[q] = sum[o, k] (mul dy[q - k, o]{0 <= q - k < n} w[o, k])`.
use super::cell::{Cell, is_expensive};
use crate::base::types::DType;
use crate::ops::simplify;
use crate::tir::build::{affine_value, compact};
use crate::tir::verify::in_bounds;
use crate::tir::{
    Affine, Body, Comprehension, Condition, Graph, Guard, Inst, Literal, Node, Op, Order, Read,
    Reducer, Scatter, Subscript,
};

/// The largest gathered dimension over which expensive work is repeated rather than scattered.
const FEW: usize = 64;

/// The node that computes the gradient which flows to one read, in the shape of its operand; `None` where no point reads it.
pub fn turned(graph: &Graph, cell: &Cell, read: usize, gradient: u32) -> Option<Node> {
    let shape = graph.ty(cell.reads[read].value).shape.clone();
    let solution = solve(cell, &cell.reads[read], &shape);
    if gathers(&cell.reads[read]) && !densely(cell, &solution, &cell.reads[read], &shape) {
        return scattered(graph, cell, read, gradient).map(Node::Scatter);
    }
    // Where the numbers of a turned access would be too large, the access is taken as it is.
    let made = dense(graph, cell, read, gradient, &shape, &solution)?;
    if solution.is_beyond() || made.domain.is_beyond() || made.reads.iter().any(Read::is_beyond) {
        return scattered(graph, cell, read, gradient).map(Node::Scatter);
    }
    Some(Node::Comprehension(made))
}

fn gathers(read: &Read) -> bool {
    read.subscripts
        .iter()
        .any(|subscript| matches!(subscript, Subscript::Gather(_)))
}

/// Whether comparing every position with the gathered one is better than adding into the gathered place.
fn densely(cell: &Cell, solution: &Solution, read: &Read, shape: &[usize]) -> bool {
    let gathered: usize = read
        .subscripts
        .iter()
        .zip(shape)
        .filter(|(subscript, _)| matches!(subscript, Subscript::Gather(_)))
        .map(|(_, &size)| size)
        .product();
    let costly = cell.body.insts.iter().any(|inst| match inst {
        Inst::Op(op, _) => is_expensive(*op),
        Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => false,
    });
    solution.reduce.is_empty() && (gathered <= FEW || !costly)
}

/// The old indices in terms of the new ones: those of the operand, then those that are left to be summed over.
struct Solution {
    image: Vec<Affine>,
    reduce: Vec<usize>,
    guard: Guard,
}

impl Solution {
    fn is_beyond(&self) -> bool {
        self.image.iter().any(Affine::is_beyond) || self.guard.is_beyond()
    }
}

/// While solving, index `d < rank` is the operand's, index `rank + j` the body's own index `j`.
struct Solver<'a> {
    cell: &'a Cell,
    rank: usize,
    image: Vec<Affine>,
    solved: Vec<bool>,
    guard: Guard,
}

fn solve(cell: &Cell, read: &Read, shape: &[usize]) -> Solution {
    let rank = shape.len();
    let count = cell.extents.len();
    let mut solver = Solver {
        cell,
        rank,
        image: (0..count).map(|j| Affine::index(rank + j)).collect(),
        solved: vec![false; count],
        guard: Guard::always(),
    };
    let mut pending: Vec<(usize, &Affine)> = read
        .subscripts
        .iter()
        .enumerate()
        .filter_map(|(axis, subscript)| match subscript {
            Subscript::Affine(affine) => Some((axis, affine)),
            Subscript::Gather(_) => None,
        })
        .collect();
    // The equations with the fewest unknowns first.
    while let Some(next) = (0..pending.len()).min_by_key(|&at| solver.unknowns(pending[at].1)) {
        let (axis, affine) = pending.remove(next);
        solver.equation(axis, affine);
    }
    solver.finish(read)
}

impl Solver<'_> {
    fn unknowns(&self, affine: &Affine) -> usize {
        let image = affine.substitute(&self.image);
        image.terms().filter(|term| term.0 >= self.rank).count()
    }

    /// Solves `affine = q_axis`.
    fn equation(&mut self, axis: usize, affine: &Affine) {
        let image = affine.substitute(&self.image);
        let (numerator, q) = (
            image.numerator(),
            Affine::index(axis).times(image.divisor()),
        );
        let Some((unknown, coefficient)) = self.choice(&numerator) else {
            self.guard.push(Condition::Zero(numerator.minus(&q)));
            return;
        };
        let rest = numerator.minus(&Affine::new(0, [(unknown, coefficient)]));
        let target = q.minus(&rest).times(coefficient.signum());
        let divisor = coefficient.abs();
        if divisor > 1 {
            self.guard
                .push(Condition::Divisible(target.clone(), divisor));
        }
        let mut map: Vec<Affine> = (0..self.rank + self.image.len())
            .map(Affine::index)
            .collect();
        map[unknown] = target.over(divisor);
        self.image = self.image.iter().map(|e| e.substitute(&map)).collect();
        self.guard = self.guard.substitute(&map);
        self.solved[unknown - self.rank] = true;
    }

    /// The index to solve for: a free one, so that the arriving gradient takes the composite access, unless a reduced one is much
    /// longer; among several the longest, since what is left is summed over.
    fn choice(&self, numerator: &Affine) -> Option<(usize, i64)> {
        numerator
            .terms()
            .filter(|term| term.0 >= self.rank)
            .max_by_key(|&(index, coefficient)| {
                let extent = self.cell.extents[index - self.rank];
                let free = index - self.rank < self.cell.free;
                let weight = if free { 4 * extent } else { extent };
                (weight, coefficient.abs() == 1, std::cmp::Reverse(index))
            })
    }

    fn finish(self, read: &Read) -> Solution {
        let left: Vec<usize> = (0..self.image.len()).filter(|&j| !self.solved[j]).collect();
        let mut renumber: Vec<Affine> = (0..self.rank + self.image.len())
            .map(Affine::index)
            .collect();
        for (at, &j) in left.iter().enumerate() {
            renumber[self.rank + j] = Affine::index(self.rank + at);
        }
        let image: Vec<Affine> = self.image.iter().map(|e| e.substitute(&renumber)).collect();
        let mut guard = self.guard.substitute(&renumber);
        for (j, e) in image.iter().enumerate().filter(|(j, _)| self.solved[*j]) {
            guard = guard.and(&Guard::within(e, self.cell.extents[j]));
        }
        guard = guard.and(&self.cell.domain.substitute(&image));
        guard = guard.and(&read.guard.substitute(&image));
        Solution {
            reduce: left.iter().map(|&j| self.cell.extents[j]).collect(),
            image,
            guard,
        }
    }
}

fn dense(
    graph: &Graph,
    cell: &Cell,
    read: usize,
    gradient: u32,
    shape: &[usize],
    solution: &Solution,
) -> Option<Comprehension> {
    let extents: Vec<usize> = shape.iter().chain(&solution.reduce).copied().collect();
    let domain = solution.guard.simplified(&extents)?;
    let ty = graph.ty(cell.reads[read].value);
    let needed = cell.body.trimmed_to(gradient);
    let mut body = substituted(&needed, &solution.image);
    for (axis, subscript) in cell.reads[read].subscripts.iter().enumerate() {
        if let Subscript::Gather(by) = subscript {
            let here = body.push(Inst::Index(axis as u32));
            let there = body.push(Inst::Read(*by));
            let hit = body.op(Op::Eq, &[here, there]);
            let zero = body.constant(ty.dtype, 0.0);
            body.result = body.op(Op::Select, &[hit, body.result, zero]);
        }
    }
    let reads = cell.reads.iter().map(|read| moved(read, &solution.image));
    let comprehension = Comprehension {
        shape: shape.to_vec(),
        reducer: (!solution.reduce.is_empty()).then_some(Reducer::Sum),
        reduce: solution.reduce.clone(),
        order: Order::default(),
        domain,
        reads: reads.collect(),
        body,
        dtype: ty.dtype,
    };
    let mut comprehension = simplify::comprehension(graph, comprehension);
    keep_in_bounds(graph, &mut comprehension);
    guard_product(graph, &mut comprehension);
    Some(comprehension)
}

/// The instructions with each index replaced by its image, and where each has gone.
pub fn substituted(old: &Body, image: &[Affine]) -> Body {
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

/// The read with each index replaced by its image.
pub fn moved(read: &Read, image: &[Affine]) -> Read {
    let subscripts = read.subscripts.iter().map(|subscript| match subscript {
        Subscript::Affine(affine) => Subscript::Affine(affine.substitute(image)),
        Subscript::Gather(by) => Subscript::Gather(*by),
    });
    Read {
        value: read.value,
        subscripts: subscripts.collect(),
        guard: read.guard.substitute(image),
        fill: read.fill,
    }
}

fn bounded(graph: &Graph, read: &Read, extents: &[usize], domain: &Guard) -> bool {
    let shape = &graph.ty(read.value).shape;
    read.subscripts
        .iter()
        .zip(shape)
        .all(|(subscript, &size)| match subscript {
            Subscript::Affine(affine) => in_bounds(affine, size, extents, &[&read.guard, domain]),
            Subscript::Gather(_) => true,
        })
}

/// A read whose bounds follow from the domain only by more than the verifier sees gets them as its guard, where they always hold.
fn keep_in_bounds(graph: &Graph, c: &mut Comprehension) {
    let extents = c.extents();
    for read in &mut c.reads {
        if bounded(graph, read, &extents, &c.domain) {
            continue;
        }
        let shape = graph.ty(read.value).shape.clone();
        for (subscript, size) in read.subscripts.iter().zip(shape) {
            let Subscript::Affine(affine) = subscript else {
                continue;
            };
            let mut guard = Guard::within(affine, size);
            if affine.divisor() > 1 {
                guard.push(Condition::Divisible(affine.numerator(), affine.divisor()));
            }
            if let Some(guard) = guard.simplified(&extents) {
                read.guard = std::mem::take(&mut read.guard).and(&guard);
            }
        }
    }
}

/// A sum of products keeps its form of two reads without a domain: the domain becomes the guard of one factor, with 0 outside (which
/// is exact while the other factor is finite), and of both where the other is not in bounds without it.
fn guard_product(graph: &Graph, c: &mut Comprehension) {
    if c.domain.is_always() {
        return;
    }
    let mut free = c.clone();
    free.domain = Guard::always();
    let Some((a, b)) = free.as_product() else {
        return;
    };
    let extents = c.extents();
    let missing = |read: u32| {
        let used = indices(&c.reads[read as usize]);
        c.domain
            .conditions
            .iter()
            .flat_map(|condition| condition.expression().terms())
            .filter(|term| !used.contains(&term.0))
            .count()
    };
    let mut order = [a, b];
    if missing(b) < missing(a) {
        order.swap(0, 1);
    }
    let zero = |read: &Read| read.guard.is_always() || read.fill.value.to_bits() == 0;
    let Some(owner) = order.into_iter().find(|&r| zero(&c.reads[r as usize])) else {
        return;
    };
    for (at, read) in free.reads.iter_mut().enumerate() {
        let is_owner = at == owner as usize;
        if !is_owner && bounded(graph, read, &extents, &Guard::always()) {
            continue;
        }
        if !is_owner && !zero(read) {
            return;
        }
        read.guard = std::mem::take(&mut read.guard).and(&c.domain);
        read.fill.value = 0.0;
    }
    *c = free;
}

fn indices(read: &Read) -> Vec<usize> {
    read.subscripts
        .iter()
        .filter_map(|subscript| match subscript {
            Subscript::Affine(affine) => Some(affine),
            Subscript::Gather(_) => None,
        })
        .flat_map(|affine| affine.terms().map(|term| term.0))
        .collect()
}

/// The gradient of a gather adds into the gathered places, point by point.
fn scattered(graph: &Graph, cell: &Cell, read: usize, gradient: u32) -> Option<Scatter> {
    let domain = cell.domain.clone().and(&cell.reads[read].guard);
    let domain = domain.simplified(&cell.extents)?;
    let ty = graph.ty(cell.reads[read].value).clone();
    let mut body = cell.body.clone();
    body.result = gradient;
    // The target's gathers are kept by a read of their own kind, which only lends its subscripts.
    let (mut reads, body) = kept_with(cell, read, &body.trimmed());
    let target = reads.pop()?.subscripts;
    Some(Scatter {
        shape: ty.shape,
        extents: cell.extents.clone(),
        domain,
        reads,
        body,
        target,
        dtype: ty.dtype,
    })
}

/// The reads that the body and the target need, the read in whose place is added standing last.
fn kept_with(cell: &Cell, read: usize, body: &Body) -> (Vec<Read>, Body) {
    let mut reads = cell.reads.clone();
    let mut last = cell.reads[read].clone();
    // A fill of its own keeps it apart from an equal read.
    last.fill = Literal {
        dtype: DType::Bool,
        value: f64::NAN,
    };
    reads.push(last);
    let mut with = body.clone();
    with.push(Inst::Read(reads.len() as u32 - 1));
    let (reads, body) = compact(reads, &with);
    (reads, body.trimmed())
}
