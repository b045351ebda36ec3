//! Runs one contraction of a schedule, alone or shared among threads: by rows, by columns, or by the pieces of its sum.
use super::contraction::{Contraction, Operands};
use super::execute::{CheckFailure, Executable, Memory};
use super::steps::part;
use super::team::Team;
use crate::kir::schedule::{Address, Step};
use std::ops::Range;

/// Multiply-adds below which a contraction is not shared among threads.
const SHARED_MULTIPLY_ADDS: usize = 100_000;

/// Rows from which on a task of rows is better than one of columns: that each task packs for itself costs it two parts in a hundred, and what
/// comes before and after walks rows too, so most of it lies in the cache of the thread that wrote it.
const ROWS_OF_A_TASK: usize = 128;

/// What makes the terms of a sum in a range.
type Maker<'a> = &'a (dyn Fn(Range<usize>) + Sync);

impl Executable {
    /// Runs product `product` as product step `number`; `taken` are the pointers of what takes its result, in the order of
    /// [`Executable::taken_by`].
    ///
    /// # Safety
    /// `memory` is that of a run of this executable, as [`Executable::run`] demands it. It is this step's turn; the operands, not packed, and
    /// the pointers are those that its addresses name now, and what is packed before the loop around it is there.
    pub(super) unsafe fn product(
        &self,
        (product, number): (usize, usize),
        mut operands: Operands,
        taken: &[*mut u8],
        memory: &Memory<'_>,
    ) {
        let planned = &self.contractions[product];
        let mut plan = &*planned.plain;
        if let (Some(offset), Some(prepacked)) = (
            self.pack_offsets.get(number).copied().flatten(),
            &planned.prepacked,
        ) {
            plan = &**prepacked;
            // SAFETY: within `packs`, by `plan_packs`; the loop around the step packed it before its first turn.
            operands.packed = unsafe { memory.packs.add(offset) };
        }
        let shared = SharedOperands(operands);
        if let Some(finish) = planned.finish(number) {
            // SAFETY: the caller's contract; a step with a finish is outside all loops.
            return unsafe { self.finished(plan, finish, shared, taken, memory) };
        }
        // SAFETY: the caller's contract; `packed` is of this plan.
        unsafe { self.whole(plan, shared, memory) }
    }

    /// Runs a product whose terms a group makes, block of terms after block; first the one and then the other where the plan does not walk
    /// its terms outermost, or where the threads have more to share so. Members of the group have no checks.
    ///
    /// # Errors
    /// None: members have no checks.
    ///
    /// # Safety
    /// As for [`Executable::product`]; `group` makes the step's terms, and the pointers are those that its members' arguments name now.
    pub(super) unsafe fn summed(
        &self,
        (product, number): (usize, usize),
        operands: Operands,
        (group, pointers): (&Step, &[*mut u8]),
        memory: &Memory<'_>,
    ) -> Result<(), CheckFailure> {
        let plan = &*self.contractions[product].plain;
        let shared = SharedPointers(pointers);
        let most = match group {
            Step::Group { block, .. } => *block,
            _ => usize::MAX,
        };
        let make = |terms: Range<usize>| {
            let shared = &shared;
            // SAFETY: the caller's contract; rows of the group may be done in any order, and blocks of terms are asked for once each.
            unsafe { self.group_rows(group, shared.0, terms, memory) }
        };
        match memory.team.filter(|_| is_large(plan)) {
            // SAFETY: the caller's contract; the plan walks its terms, each block of which is made before it is read.
            None if plan.walks_terms() => unsafe {
                plan.run_terms(&operands, memory.scratch, (None, most), &mut |terms| {
                    make(terms)
                });
            },
            Some(team) if plan.walks_terms() && by_pieces(plan, self.threads) => {
                // SAFETY: as above, piece by piece.
                unsafe {
                    self.pieces(
                        plan,
                        SharedOperands(operands),
                        memory,
                        team,
                        Some((most, &make)),
                    )
                }
            }
            // SAFETY: the caller's contract; all terms are made before the product begins.
            Some(_) | None => unsafe {
                self.group_at(group, pointers, memory)?;
                self.product((product, number), operands, &[], memory);
            },
        }
        Ok(())
    }

    /// The arguments of the kernels that take the result of a product step.
    pub(super) fn taken_by(&self, product: usize, number: usize) -> &[Address] {
        let finish = self.contractions[product].finish(number);
        finish.map_or(&[], |finish| &finish.arguments[..])
    }

    /// Computes the whole of a product's result.
    ///
    /// # Safety
    /// As for [`Executable::product`]; `plan` is the step's, and the operands are packed where the plan was made for that.
    pub(super) unsafe fn whole(
        &self,
        plan: &Contraction,
        shared: SharedOperands,
        memory: &Memory<'_>,
    ) {
        let scratch = |slot: usize| {
            // SAFETY: the scratch holds one part for each task that runs at once.
            unsafe { memory.scratch.add(slot * self.task_scratch) }
        };
        let rows = plan.rows();
        let Some(team) = memory.team.filter(|_| is_large(plan)) else {
            // SAFETY: the caller's contract: the operands lie within their buffers, and nobody else uses the scratch.
            return unsafe { plan.run(&shared.0, scratch(0), 0..rows) };
        };
        if by_pieces(plan, self.threads) {
            // SAFETY: as above, piece by piece.
            return unsafe { self.pieces(plan, shared, memory, team, None) };
        }
        let parts = plan.column_tasks().min(self.tasks_at_once());
        if parts >= self.threads && rows < ROWS_OF_A_TASK * self.tasks_at_once() {
            return team.share(parts, &|part| {
                let shared = &shared;
                let columns = plan.columns_of(part, parts);
                // SAFETY: parts have scratch of their own and tasks have columns of their own.
                unsafe { plan.run_columns(&shared.0, scratch(part), columns) }
            });
        }
        let natural = plan.tasks();
        let groups = natural.min(self.tasks_at_once());
        team.share(groups, &|group| {
            let shared = &shared;
            // Neighbouring tasks in one run: what they pack is packed once.
            let tasks = part(natural, groups, group);
            let Some(last) = tasks.clone().last() else {
                return;
            };
            let rows = plan.task(tasks.start).start..plan.task(last).end;
            // SAFETY: groups have scratch of their own and tasks have rows of their own.
            unsafe { plan.run(&shared.0, scratch(group), rows) }
        });
    }

    /// Large sums into few elements: the pieces run as tasks, each block of at most so many terms after
    /// what makes them, then are added in order.
    ///
    /// # Safety
    /// As for [`Executable::whole`], of a plan for which [`by_pieces`] holds; with `make` it walks its terms ([`Contraction::walks_terms`]), the
    /// operands are not packed, and `make` may be called from any thread, once for each term.
    unsafe fn pieces(
        &self,
        plan: &Contraction,
        operands: SharedOperands,
        memory: &Memory<'_>,
        team: &Team,
        make: Option<(usize, Maker<'_>)>,
    ) {
        let groups = plan.pieces().min(self.tasks_at_once());
        let partials_at = self.tasks_at_once() * self.task_scratch;
        // SAFETY: partial results lie behind the tasks' scratch, which has room for those of each plan that runs by pieces.
        let partials = SharedPointer(unsafe { memory.scratch.add(partials_at) });
        team.share(groups, &|group| {
            let (operands, partials) = (&operands, &partials);
            for piece in part(plan.pieces(), groups, group) {
                // SAFETY: the caller's contract; each piece has terms and a partial result of its own, each group scratch of its own.
                unsafe {
                    let target = Operands {
                        c: partials.0.add(piece * plan.partial_bytes()),
                        ..operands.0
                    };
                    let scratch = memory.scratch.add(group * self.task_scratch);
                    match make {
                        Some((most, make)) => {
                            let piece = (Some(piece), most);
                            plan.run_terms(&target, scratch, piece, &mut |terms| make(terms));
                        }
                        None => plan.run_piece(&target, scratch, 0..plan.rows(), piece),
                    }
                }
            }
        });
        // SAFETY: all pieces are there; C is valid for all rows.
        unsafe { plan.combine(partials.0, operands.0.c, 0..plan.rows()) }
    }
}

pub(super) struct SharedOperands(pub(super) Operands);
// SAFETY: see `Memory`.
unsafe impl Sync for SharedOperands {}

struct SharedPointers<'a>(&'a [*mut u8]);
// SAFETY: see `Memory`.
unsafe impl Sync for SharedPointers<'_> {}

struct SharedPointer(*mut u8);
// SAFETY: see `Memory`.
unsafe impl Sync for SharedPointer {}

/// Whether a contraction is worth sharing among threads.
pub(super) fn is_large(plan: &Contraction) -> bool {
    plan.rows() * plan.columns() * plan.k() >= SHARED_MULTIPLY_ADDS
}

/// Whether the pieces of the sum are the better tasks: few rows, several pieces.
pub(super) fn by_pieces(plan: &Contraction, threads: usize) -> bool {
    threads > 1
        && plan.pieces() > 1
        && plan.tasks() < 2 * threads
        && plan.partial_bytes() * plan.pieces() <= 8 << 20
}
