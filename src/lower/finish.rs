//! Finishes: the kernels that take the result of a product row by row, and are all that takes it, become part of the product's step.
//!
//! before: `g = x * d; w' = w - 0.1 * g`, the gradient `g` written to memory whole and read again
//! after:  `g = x * d into { w' = w - 0.1 * g }`, a block of rows of `g` at a time, in the memory of the first, where the plan makes rows so
//!
//! No bit changes: the kernels are the same, and so is the order of every sum. The order of emission puts an update right behind the
//! product that makes its gradient ([`super::order`]); here the steps that follow a product are looked at. They join it where each is a
//! kernel that keeps to the rows (as the members of a group do), none of them writes to the operands or into the result, and the last one
//! is the last reader of the result. A kernel that reads the gradient in another order, a clipping by norm, a second gradient that is added
//! first: each of these reads it whole, so it is stored.
use super::group::{Footprint, Member, Object, Touch, keeps_to_rows, member};
use super::place::buffer_of;
use crate::kir::Kernel;
use crate::kir::schedule::{Address, Finish, MOST_FINISH_ARGUMENTS, Product, ProductIndex, Step};

/// Kernels of one finish: an optimiser has three.
const MOST_MEMBERS: usize = 4;

/// What is known of buffers: the one that stands for a buffer's memory, and the last step that touches one of the arena.
pub struct Lives<'a> {
    /// The buffer that stands for the memory of one.
    pub same: &'a dyn Fn(usize) -> usize,
    /// The number of the last step that touches a buffer of the arena.
    pub last: &'a dyn Fn(usize) -> Option<usize>,
}

/// Forms the finishes of the outermost steps. Gives the first and last step number of each, numbers as buffers' lives count them.
pub fn form(
    steps: &mut Vec<Step>,
    products: &[Product],
    kernels: &[Kernel],
    lives: &Lives<'_>,
) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut now = 0;
    let mut formed = Vec::with_capacity(steps.len());
    let mut rest = std::mem::take(steps).into_iter();
    while let Some(mut step) = rest.next() {
        let first = now;
        now += numbers(&step);
        let count = takers(&step, first, rest.as_slice(), products, kernels, lives);
        if let (
            Some(count),
            Step::Product {
                product, finish, ..
            },
        ) = (count, &mut step)
            && let Some(rows) = Rows::of(&products[*product])
        {
            *finish = Some(Box::new(Finish {
                rows: rows.rows,
                columns: rows.columns,
                rows_of_b: rows.of_b,
                members: rest.by_ref().take(count).collect(),
            }));
            now += count;
            spans.push((first, now - 1));
        }
        formed.push(step);
    }
    *steps = formed;
    spans
}

/// Step numbers that a step takes: a loop has one before its body and one after it.
fn numbers(step: &Step) -> usize {
    match step {
        Step::Loop { body, .. } => 2 + body.iter().map(numbers).sum::<usize>(),
        Step::Kernel { .. }
        | Step::Group { .. }
        | Step::Product { .. }
        | Step::Zero { .. }
        | Step::Copy { .. }
        | Step::Turn { .. } => 1,
    }
}

/// How many of the steps behind a product are its finish; `None` where there is none.
fn takers(
    step: &Step,
    number: usize,
    behind: &[Step],
    products: &[Product],
    kernels: &[Kernel],
    lives: &Lives<'_>,
) -> Option<usize> {
    let Step::Product {
        product, a, b, c, ..
    } = step
    else {
        return None;
    };
    let product = &products[*product];
    let rows = Rows::of(product)?;
    let result = (lives.same)(buffer_of(c)?);
    let count = (lives.last)(result)?.checked_sub(number)?;
    let behind = behind.get(..count).filter(|steps| !steps.is_empty())?;
    let mut members = vec![rows.maker(product, [a, b], c, lives)?];
    for step in behind {
        members.push(member(step, kernels, lives.same)?);
    }
    let arguments: usize = members.iter().map(|member| member.arguments).sum();
    let fits = |member: &Member| {
        !member.checks && [rows.rows, rows.rows * rows.columns].contains(&member.range)
    };
    let stores = |member: &Member| {
        let mut touches = member.touches.iter();
        touches.any(|touch| touch.writes && touch.object.buffer == result)
    };
    let (_, takers) = members.split_first()?;
    (count <= MOST_MEMBERS
        && arguments <= MOST_FINISH_ARGUMENTS
        && takers.iter().all(|member| fits(member) && !stores(member))
        && behind
            .iter()
            .all(|step| takes_as_made(step, c, result, lives))
        && keeps_to_rows(&members.iter().collect::<Vec<_>>(), rows.rows))
    .then_some(count)
}

/// Whether every argument in the result's memory is the result itself.
fn takes_as_made(step: &Step, c: &Address, result: usize, lives: &Lives<'_>) -> bool {
    let Step::Kernel { arguments, .. } = step else {
        return false;
    };
    arguments.iter().all(|argument| {
        argument == c || buffer_of(argument).is_some_and(|buffer| (lives.same)(buffer) != result)
    })
}

/// How the result of a product lies: rows of the indices of one operand, each of all indices of the other one.
struct Rows {
    rows: usize,
    columns: usize,
    of_b: bool,
}

impl Rows {
    fn of(product: &Product) -> Option<Rows> {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for index in &product.free {
            match (index.a != 0, index.b != 0) {
                (true, false) => a.push(*index),
                (false, true) => b.push(*index),
                (true, true) | (false, false) => return None,
            }
        }
        let rows = |outer: &[ProductIndex], inner: &[ProductIndex], of_b| {
            let columns = dense(inner, 1)?;
            let rows = dense(outer, columns)?;
            Some(Rows {
                rows,
                columns,
                of_b,
            })
        };
        rows(&a, &b, false).or_else(|| rows(&b, &a, true))
    }

    /// The product as a member of a group: it makes the result row by row from operands that it reads anywhere.
    fn maker(
        &self,
        product: &Product,
        operands: [&Address; 2],
        c: &Address,
        lives: &Lives<'_>,
    ) -> Option<Member> {
        let object = |address: &Address| {
            Some(Object {
                buffer: (lives.same)(buffer_of(address)?),
                moves: address.moves.clone(),
                half: address.alternates,
            })
        };
        let mut touches = Vec::new();
        for operand in operands {
            touches.push(Touch {
                object: object(operand)?,
                at: None,
                writes: false,
            });
        }
        let row = (self.columns * product.dtype.size()) as i64;
        let start = c.offset as i64;
        touches.push(Touch {
            object: object(c)?,
            at: Some(Footprint {
                low: start,
                high: start + row,
                stride: row,
            }),
            writes: true,
        });
        Some(Member {
            range: self.rows,
            work: 0,
            arguments: 0,
            checks: false,
            touches,
        })
    }
}

/// How many elements indices walk that lie densely over blocks of `block` elements, the last one innermost; `None` where they do not.
fn dense(indices: &[ProductIndex], block: usize) -> Option<usize> {
    let mut size = block;
    for index in indices.iter().rev() {
        if index.c != size as isize {
            return None;
        }
        size *= index.extent;
    }
    (!indices.is_empty()).then_some(size / block)
}
