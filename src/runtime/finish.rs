//! Runs a product into what takes its result: blocks of rows, each through the kernels as soon as it is there.
use super::contraction::Contraction;
use super::execute::{Executable, Memory};
use super::product::{SharedOperands, by_pieces, is_large};
use super::steps::part;
use crate::kir::schedule::{self, Address, Step};
use std::ops::Range;

/// Buffers of all kernels of one finish.
const MOST_ARGUMENTS: usize = schedule::MOST_FINISH_ARGUMENTS;

/// Bytes of the result that go through the kernels at a time where it is stored whole.
const NEAR_BYTES: usize = if cfg!(debug_assertions) { 64 } else { 8 << 10 };

/// The finish of one product step, with what its plan says of it.
pub(super) struct Planned {
    /// Rows of the result, elements and bytes of each.
    rows: usize,
    columns: usize,
    row_bytes: usize,
    /// Rows of a block; `None` where the plan makes no rows: then the result is stored whole before its kernels run.
    block: Option<usize>,
    members: Vec<Member>,
    /// The arguments of all kernels; those at `results` are the product's result.
    pub(super) arguments: Vec<Address>,
    results: Vec<usize>,
}

/// A kernel of a finish.
struct Member {
    kernel: usize,
    /// Scalar operations of a position.
    work: usize,
    /// Its positions in a row.
    positions: usize,
    /// Its first argument, and how many.
    arguments: Range<usize>,
}

impl Planned {
    /// What a step's finish is under its product's plan.
    pub(super) fn new(
        finish: &schedule::Finish,
        result: &Address,
        plan: &Contraction,
        size: usize,
    ) -> Planned {
        let mut planned = Planned {
            rows: finish.rows,
            columns: finish.columns,
            row_bytes: finish.columns * size,
            block: None,
            members: Vec::new(),
            arguments: Vec::new(),
            results: Vec::new(),
        };
        for member in &finish.members {
            let Step::Kernel {
                kernel,
                arguments,
                outer,
                work,
                ..
            } = member
            else {
                continue;
            };
            let first = planned.arguments.len();
            planned.arguments.extend(arguments.iter().cloned());
            planned.members.push(Member {
                kernel: *kernel,
                work: *work,
                positions: outer / finish.rows.max(1),
                arguments: first..planned.arguments.len(),
            });
        }
        let all = planned.arguments.iter().enumerate();
        planned.results = all
            .filter(|(_, argument)| *argument == result)
            .map(|(at, _)| at)
            .collect();
        let by_element = |member: &Member| member.positions == finish.columns;
        let parts_fit = plan.whole_rows() || planned.members.iter().all(by_element);
        planned.block = plan
            .block_rows(finish.rows_of_b)
            .filter(|_| parts_fit && plan.flops() > 0.0);
        planned
    }
}

impl Executable {
    /// Runs a product and its finish, `pointers` being those of its kernels' arguments.
    ///
    /// # Safety
    /// As for [`Executable::product`]; the step is outside all loops.
    pub(super) unsafe fn finished(
        &self,
        plan: &Contraction,
        finish: &Planned,
        operands: SharedOperands,
        pointers: &[*mut u8],
        memory: &Memory<'_>,
    ) {
        let Some(block) = finish.block.filter(|_| !by_pieces(plan, self.threads)) else {
            // SAFETY: the caller's contract; the result is whole before the kernels run.
            return unsafe {
                self.whole(plan, operands, memory);
                self.afterwards(finish, pointers, memory);
            };
        };
        let shared = SharedArguments(pointers);
        let blocks = finish.rows.div_ceil(block);
        let run = |task: usize, blocks: Range<usize>| {
            let (operands, shared) = (&operands, &shared);
            let rows = blocks.start * block..finish.rows.min(blocks.end * block);
            // SAFETY: the scratch holds one part for each task that runs at once.
            let scratch = unsafe { memory.scratch.add(task * self.task_scratch) };
            let mut take = |done: Range<usize>, lanes: Range<usize>| {
                let moved = (done.start - rows.start) * finish.row_bytes;
                // SAFETY: `run_blocks` has just made these rows and lanes, `moved` bytes before their place; `Planned::new` allows parts of
                // rows to kernels by element only. Tasks have rows of their own.
                unsafe { self.take(finish, shared.0, moved, (done, lanes), memory) }
            };
            // SAFETY: the caller's contract; `block` is of the plain plan, which is this one outside loops, and tasks have rows of their own,
            // in C too.
            unsafe { plan.run_blocks(&operands.0, scratch, (rows.clone(), block), &mut take) }
        };
        match memory.team.filter(|_| is_large(plan)) {
            Some(team) => {
                let tasks = blocks.min(self.tasks_at_once());
                team.share(tasks, &|task| run(task, part(blocks, tasks, task)));
            }
            None => run(0, 0..blocks),
        }
    }

    /// Runs the kernels when the result is there, block of rows after block as a group of kernels does.
    ///
    /// # Safety
    /// As for [`Executable::finished`]; the result is whole and in its place.
    unsafe fn afterwards(&self, finish: &Planned, pointers: &[*mut u8], memory: &Memory<'_>) {
        let shared = SharedArguments(pointers);
        let block = (NEAR_BYTES / finish.row_bytes.max(1)).max(1);
        let run = |rows: Range<usize>| {
            let shared = &shared;
            for start in rows.clone().step_by(block) {
                let rows = start..rows.end.min(start + block);
                // SAFETY: the caller's contract: whole rows in their place; tasks have rows of their own.
                unsafe { self.take(finish, shared.0, 0, (rows, 0..finish.columns), memory) };
            }
        };
        let works = finish.members.iter();
        let work = works.map(|member| member.positions * member.work).sum();
        let tasks = self.kernel_tasks(finish.rows, work);
        match memory.team {
            Some(team) if tasks > 1 => {
                team.share(tasks, &|task| run(part(finish.rows, tasks, task)))
            }
            Some(_) | None => run(0..finish.rows),
        }
    }

    /// Gives some rows and lanes of the result, which lies `moved` bytes before its place, to the kernels.
    ///
    /// # Safety
    /// The pointers are those of the kernels' arguments, in memory as for [`Executable::run`]. These elements of the result are made and lie
    /// `moved` bytes before their place; no one else has these rows. The lanes are whole rows unless each kernel has a position an element.
    unsafe fn take(
        &self,
        finish: &Planned,
        pointers: &[*mut u8],
        moved: usize,
        (rows, lanes): (Range<usize>, Range<usize>),
        memory: &Memory<'_>,
    ) {
        let mut here = [std::ptr::null_mut::<u8>(); MOST_ARGUMENTS];
        here[..pointers.len()].copy_from_slice(pointers);
        for &at in &finish.results {
            here[at] = here[at].wrapping_sub(moved);
        }
        let whole = lanes.len() == finish.columns;
        for member in &finish.members {
            let arguments = here[member.arguments.clone()].as_ptr();
            let call = |positions: Range<usize>| {
                // SAFETY: the caller's contract; these positions of the kernel are those of the rows and lanes, at which it touches of the
                // result these elements only, and of what another kernel writes these rows only.
                unsafe {
                    self.kernels[member.kernel](
                        arguments,
                        positions.start as i64,
                        positions.end as i64,
                        memory.status,
                    )
                }
            };
            if whole {
                call(rows.start * member.positions..rows.end * member.positions);
            } else {
                for row in rows.clone() {
                    let start = row * member.positions;
                    call(start + lanes.start..start + lanes.end);
                }
            }
        }
    }
}

struct SharedArguments<'a>(&'a [*mut u8]);
// SAFETY: as for `Memory`: tasks use them on distinct rows.
unsafe impl Sync for SharedArguments<'_> {}
