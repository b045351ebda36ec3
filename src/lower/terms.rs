//! Terms of a sum that are made block by block: a group of kernels whose rows are the terms of the product behind it becomes part of the
//! product's step.
//!
//! before: `r = x @ w - y` row by row, then `g = x^T @ r`: the data are read from memory once for the rows, and once more for the sum
//! after:  for each block of rows: their part of `r`, then their terms of `g`, while the rows lie in a near cache
//!
//! A linear model on a large set of data is bound by reading the set, so this halves its step. No bit changes: the kernels are the same, and
//! the sum takes its terms in the same order, in the pieces and blocks that the contraction engine cuts every sum into. The order of
//! emission puts the product right behind the kernels ([`super::order`]); here it is proved that all of them keep to the rows, as the
//! members of a group do, with the product as one more member that reads its operands row by row.
use super::group::{Footprint, Member, Object, Touch, keeps_to_rows, member};
use super::place::buffer_of;
use crate::kir::Kernel;
use crate::kir::schedule::{Address, Product, ProductIndex, Step};

/// Bytes of an operand that is worth it: more than lies in a near cache from one sweep to the next. Checked builds form small ones too.
pub(super) const WORTH_BYTES: usize = if cfg!(debug_assertions) { 64 } else { 1 << 20 };

/// Joins outermost groups and the products right behind them. Gives the first and last step number of each pair, numbers as buffers' lives
/// count them.
pub fn form(
    steps: &mut Vec<Step>,
    products: &[Product],
    kernels: &[Kernel],
    same: &dyn Fn(usize) -> usize,
) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut now = 0;
    let mut formed: Vec<Step> = Vec::with_capacity(steps.len());
    for mut step in steps.drain(..) {
        let numbers = numbers(&step);
        let before = formed.last().map_or(0, self::numbers);
        let joins = formed
            .last()
            .is_some_and(|group| are_terms(group, &step, products, kernels, same));
        if let (true, Step::Product { terms, .. }) = (joins, &mut step) {
            *terms = formed.pop().map(Box::new);
            spans.push((now - before, now + numbers - 1));
        }
        now += numbers;
        formed.push(step);
    }
    *steps = formed;
    spans
}

/// Step numbers that a step takes, groups and finishes being formed.
fn numbers(step: &Step) -> usize {
    let of = |steps: &[Step]| steps.iter().map(numbers).sum::<usize>();
    match step {
        Step::Loop { body, .. } => 2 + of(body),
        Step::Group { members, .. } => of(members),
        Step::Product { finish, terms, .. } => {
            let finish = finish.as_ref().map_or(0, |finish| of(&finish.members));
            1 + finish + terms.as_deref().map_or(0, numbers)
        }
        Step::Kernel { .. } | Step::Zero { .. } | Step::Copy { .. } | Step::Turn { .. } => 1,
    }
}

/// Whether the rows of a group are the terms of a product, and both may be walked block by block.
fn are_terms(
    group: &Step,
    product: &Step,
    products: &[Product],
    kernels: &[Kernel],
    same: &dyn Fn(usize) -> usize,
) -> bool {
    let (
        Step::Group { rows, members, .. },
        Step::Product {
            product,
            a,
            b,
            c,
            finish: None,
            terms: None,
            ..
        },
    ) = (group, product)
    else {
        return false;
    };
    let product = &products[*product];
    let [sum] = product.reduce[..] else {
        return false;
    };
    let members = members.iter().map(|step| member(step, kernels, same));
    let (Some(members), Some(result)) = (
        members.collect::<Option<Vec<Member>>>(),
        buffer_of(c).map(same),
    ) else {
        return false;
    };
    let operands = [(a, (|index| index.a) as Stride), (b, |index| index.b)];
    let touches = operands.map(|(address, stride)| touch(product, address, stride, same));
    let [Some(a), Some(b)] = touches else {
        return false;
    };
    let touched = |buffer: usize| {
        let all = members.iter().flat_map(|member| &member.touches);
        all.into_iter().any(|touch| touch.object.buffer == buffer)
    };
    let large = |touch: &Touch| {
        let bytes = touch.at.map_or(0, |at| at.stride.unsigned_abs() as usize);
        bytes * sum.extent >= WORTH_BYTES && touched(touch.object.buffer)
    };
    let worth = large(&a) || large(&b);
    let fits = sum.extent == *rows
        && members.iter().all(|member| !member.checks)
        && !touched(result)
        && [&a, &b].iter().all(|touch| touch.object.buffer != result);
    let reader = Member {
        range: *rows,
        work: 0,
        arguments: 0,
        checks: false,
        touches: vec![a, b],
    };
    let all: Vec<&Member> = members.iter().chain([&reader]).collect();
    worth && fits && keeps_to_rows(&all, *rows)
}

/// Elements per step of an index in one of the operands.
type Stride = fn(&ProductIndex) -> isize;

/// What a product reads of an operand for each of its terms.
fn touch(
    product: &Product,
    address: &Address,
    stride: Stride,
    same: &dyn Fn(usize) -> usize,
) -> Option<Touch> {
    let size = product.dtype.size() as i64;
    let reach = |index: &ProductIndex| stride(index) as i64 * (index.extent as i64 - 1);
    let low: i64 = product.free.iter().map(|index| reach(index).min(0)).sum();
    let high: i64 = product.free.iter().map(|index| reach(index).max(0)).sum();
    let start = address.offset as i64;
    let row = stride(product.reduce.first()?) as i64 * size;
    Some(Touch {
        object: Object {
            buffer: same(buffer_of(address)?),
            moves: address.moves.clone(),
            half: address.alternates,
        },
        at: (row != 0).then_some(Footprint {
            low: start + low * size,
            high: start + (high + 1) * size,
            stride: row,
        }),
        writes: false,
    })
}
