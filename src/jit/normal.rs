//! Nests in a simpler, equal form: indices of extent 1 vanish, neighbouring indices that every access walks as one become one, guards
//! that always hold vanish. And the choice of the index whose elements go to vector lanes.
use crate::base::types::DType;
use crate::kir::Nest;
use crate::tir::{Affine, Condition, Guard, Inst, Literal, Op, Order, Reducer};

/// A nest whose outer free indices are `0..outer`, counted by a range that is `scale` times the kernel's.
#[derive(Debug, Clone)]
pub(super) struct Normal {
    pub nest: Nest,
    pub outer: usize,
    pub scale: usize,
}

/// Every affine expression of a nest.
fn expressions(nest: &Nest) -> impl Iterator<Item = &Affine> {
    let guards = std::iter::once(&nest.domain).chain(nest.accesses.iter().map(|a| &a.guard));
    let conditions = guards.flat_map(|guard| guard.conditions.iter().map(Condition::expression));
    let offsets = nest.accesses.iter().map(|access| &access.offset);
    offsets.chain([&nest.store.offset]).chain(conditions)
}

fn reads_index(nest: &Nest, index: usize) -> bool {
    nest.body.insts.contains(&Inst::Index(index as u32))
}

/// Replaces index `i` by `map[i]` everywhere; a body's index becomes the constant or the index that it is mapped to.
fn substitute(nest: &mut Nest, map: &[Affine]) {
    for access in &mut nest.accesses {
        access.offset = access.offset.substitute(map);
        access.guard = access.guard.substitute(map);
    }
    nest.store.offset = nest.store.offset.substitute(map);
    nest.domain = nest.domain.substitute(map);
    for inst in &mut nest.body.insts {
        if let Inst::Index(index) = inst {
            let image = &map[*index as usize];
            *inst = match image.as_index() {
                Some(index) => Inst::Index(index as u32),
                None => Inst::Const(Literal {
                    dtype: DType::I32,
                    value: image.as_constant().unwrap_or(0) as f64,
                }),
            };
        }
    }
}

/// Removes index `gone`: it becomes the constant 0, later indices move up.
fn remove(nest: &mut Nest, gone: usize) {
    let count = nest.free.len() + nest.reduce.len();
    let map: Vec<Affine> = (0..count)
        .map(|index| match index.cmp(&gone) {
            std::cmp::Ordering::Less => Affine::index(index),
            std::cmp::Ordering::Equal => Affine::constant(0),
            std::cmp::Ordering::Greater => Affine::index(index - 1),
        })
        .collect();
    substitute(nest, &map);
    match gone.checked_sub(nest.free.len()) {
        None => drop(nest.free.remove(gone)),
        Some(at) => drop(nest.reduce.remove(at)),
    }
}

/// Whether indices `at` and `at + 1` can be walked as one: wherever they occur, the first steps over a whole turn of the second.
fn mergeable(nest: &Nest, at: usize, inner: usize) -> bool {
    let together = |e: &Affine| e.coefficient(at) == e.coefficient(at + 1) * inner as i64;
    !reads_index(nest, at) && !reads_index(nest, at + 1) && expressions(nest).all(together)
}

fn without_unit_indices(normal: &mut Normal) {
    for at in (0..normal.nest.free.len()).rev() {
        if normal.nest.free[at] == 1 {
            remove(&mut normal.nest, at);
            if at < normal.outer {
                normal.outer -= 1;
            }
        }
    }
    for at in (0..normal.nest.reduce.len()).rev() {
        // A reduction keeps one index, which its order refers to.
        let last = at + 1 == normal.nest.reduce.len();
        let kept = normal.nest.reduce.len() == 1 || (last && normal.nest.order == Order::Lanes);
        if normal.nest.reduce[at] == 1 && !kept {
            let index = normal.nest.free.len() + at;
            remove(&mut normal.nest, index);
        }
    }
}

/// Merges free index `at` with the next one.
fn merge_free(normal: &mut Normal) {
    for at in (0..normal.nest.free.len().saturating_sub(1)).rev() {
        let inner = normal.nest.free[at + 1];
        if !mergeable(&normal.nest, at, inner) {
            continue;
        }
        let extent = normal.nest.free[at] * inner;
        remove(&mut normal.nest, at);
        normal.nest.free[at] = extent;
        if at + 1 < normal.outer {
            normal.outer -= 1;
        } else if at + 1 == normal.outer {
            // The last outer index takes an inner one in: the range counts smaller steps.
            normal.scale *= inner;
        }
    }
}

fn merge_reduce(normal: &mut Normal) {
    for at in (0..normal.nest.reduce.len().saturating_sub(1)).rev() {
        let inner = normal.nest.reduce[at + 1];
        let last = at + 2 == normal.nest.reduce.len();
        let lanes_keep = normal.nest.order == Order::Chain || !last || inner.is_multiple_of(16);
        let index = normal.nest.free.len() + at;
        if lanes_keep && mergeable(&normal.nest, index, inner) {
            let extent = normal.nest.reduce[at] * inner;
            remove(&mut normal.nest, index);
            normal.nest.reduce[at] = extent;
        }
    }
}

fn simplify_guard(guard: &mut Guard, extents: &[usize]) {
    guard
        .conditions
        .retain(|condition| condition.decided(extents) != Some(true));
}

/// The simpler form of a nest with `outer` indices counted by the range.
pub(super) fn normalise(nest: &Nest, outer: usize) -> Normal {
    let mut nest = nest.clone();
    let extents: Vec<usize> = nest.free.iter().chain(&nest.reduce).copied().collect();
    simplify_guard(&mut nest.domain, &extents);
    for access in &mut nest.accesses {
        simplify_guard(&mut access.guard, &extents);
    }
    nest.body = nest.body.trimmed();
    let mut normal = Normal {
        nest,
        outer,
        scale: 1,
    };
    if !extents.contains(&0) {
        without_unit_indices(&mut normal);
        merge_free(&mut normal);
        merge_reduce(&mut normal);
    }
    normal
}

/// What one lane's worth of an operator costs, in simple instructions.
fn weight(op: Op) -> usize {
    match op {
        Op::Exp | Op::Log | Op::Sin | Op::Cos | Op::Erf => 30,
        Op::Tanh | Op::Sigmoid | Op::NormalQuantile | Op::Pow => 60,
        Op::Philox => 80,
        Op::FloorDiv | Op::Mod => 12,
        Op::Div | Op::Sqrt => 6,
        Op::Max | Op::Min | Op::Sign => 3,
        _ => 1,
    }
}

/// What a body and its reducer cost, in simple instructions.
pub(super) fn body_weight(nest: &Nest) -> usize {
    let reducer = match nest.reducer {
        None | Some(Reducer::Sum | Reducer::Prod) => 0,
        Some(Reducer::Max | Reducer::Min) => 3,
        Some(Reducer::ArgMax) => 6,
    };
    let of_inst = |inst: &Inst| match inst {
        Inst::Op(op, _) => weight(*op),
        Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => 0,
    };
    reducer + nest.body.insts.iter().map(of_inst).sum::<usize>()
}

/// Elements per step of index `index`, where that is the same at every point.
pub(super) fn stride(offset: &Affine, index: usize) -> Option<i64> {
    let coefficient = offset.coefficient(index);
    (coefficient % offset.divisor() == 0).then(|| coefficient / offset.divisor())
}

/// Which accesses change with an index, by their offsets, guards or gathers.
pub(super) fn varying_accesses(nest: &Nest, index: usize) -> Vec<bool> {
    let mut varying: Vec<bool> = Vec::with_capacity(nest.accesses.len());
    for access in &nest.accesses {
        let moves = access.offset.coefficient(index) != 0;
        let gathers = |at: &crate::kir::GatherTerm| varying.get(at.access as usize) == Some(&true);
        let value = moves || access.gathers.iter().any(gathers);
        varying.push(value);
    }
    varying
}

/// Whether elements along an index can go to lanes at all: constant strides, and no test that only a residue or one point passes.
fn can_vectorise(nest: &Nest, index: usize) -> bool {
    let guards = std::iter::once(&nest.domain).chain(nest.accesses.iter().map(|a| &a.guard));
    let mut conditions = guards.flat_map(|guard| &guard.conditions);
    let plain = conditions.all(|condition| match condition {
        Condition::NonNegative(_) => true,
        Condition::Zero(e) | Condition::Divisible(e, _) => e.coefficient(index) == 0,
    });
    plain
        && nest
            .accesses
            .iter()
            .all(|access| stride(&access.offset, index).is_some())
}

/// What four lanes along an index cost, in simple instructions.
fn vector_cost(nest: &Nest, buffers: &[DType], index: usize, unit_store: bool) -> usize {
    let varying = varying_accesses(nest, index);
    let reads = nest.accesses.iter().zip(&varying).map(|(access, &varies)| {
        let unit = access.offset.coefficient(index) == access.offset.divisor();
        let by_gather = access.gathers.iter().any(|g| varying[g.access as usize]);
        match (varies, unit && !by_gather) {
            (false, _) => 1,
            (true, true) if buffers[access.buffer as usize].size() == 1 => 4,
            (true, true) => 1,
            (true, false) => 8,
        }
    });
    let store = match (nest.reducer, unit_store) {
        (Some(_), _) | (None, true) => 1,
        (None, false) => 8,
    };
    reads.sum::<usize>() + store + body_weight(nest)
}

fn uses_f64(nest: &Nest, buffers: &[DType], types: &[DType]) -> bool {
    let read = |access: &crate::kir::Access| buffers[access.buffer as usize] == DType::F64;
    nest.accesses.iter().any(read) || types.contains(&DType::F64)
}

/// Whether an order of lanes can be run in four vectors along the last reduction index.
fn lanes_fit(nest: &Nest) -> bool {
    let index = nest.free.len() + nest.reduce.len() - 1;
    let guards = std::iter::once(&nest.domain).chain(nest.accesses.iter().map(|a| &a.guard));
    let mut conditions = guards.flat_map(|guard| &guard.conditions);
    conditions.all(|condition| condition.expression().coefficient(index) == 0)
        && can_vectorise(nest, index)
}

/// The index whose elements go to vector lanes, if one is worth it.
pub(super) fn choose_vector(normal: &Normal, buffers: &[DType], types: &[DType]) -> Option<usize> {
    let nest = &normal.nest;
    if uses_f64(nest, buffers, types) {
        return None;
    }
    if nest.order == Order::Lanes && nest.reducer.is_some_and(|r| r != Reducer::ArgMax) {
        return lanes_fit(nest).then(|| nest.free.len() + nest.reduce.len() - 1);
    }
    let first = normal.outer.saturating_sub(1);
    let scalar = 4 * (nest.accesses.len() + 1 + body_weight(nest));
    let candidates = (first..nest.free.len()).filter(|&index| allowed(nest, index));
    let costs = candidates.map(|index| {
        let unit_store = nest.store.offset.coefficient(index) == 1;
        let vector = vector_cost(nest, buffers, index, unit_store);
        let extent = nest.free[index];
        let whole = extent / 4 * vector + extent % 4 * (scalar / 4);
        // A range may be short, so an index that it counts is the worse choice.
        let factor = if index < normal.outer && nest.free.len() > normal.outer {
            6
        } else {
            5
        };
        (whole * factor * 100 / (5 * extent), index)
    });
    let best = costs.min_by_key(|&(cost, index)| (cost, usize::MAX - index))?;
    (best.0 < scalar * 25).then_some(best.1)
}

fn allowed(nest: &Nest, index: usize) -> bool {
    let in_order = !nest.store.accumulate
        || (index + 1 == nest.free.len()
            && nest.reduce.is_empty()
            && nest.store.offset.coefficient(index) == 1
            && scatter_rows_are_uniform(nest, index));
    nest.free[index] >= 4
        && in_order
        && can_vectorise(nest, index)
        && stride(&nest.store.offset, index).is_some()
}

fn scatter_rows_are_uniform(nest: &Nest, index: usize) -> bool {
    let varying = varying_accesses(nest, index);
    let mut gathers = nest.store.gathers.iter();
    gathers.all(|gather| !varying[gather.access as usize])
}
