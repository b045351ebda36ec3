//! The loop over the steps of a schedule.
//!
//! Work is cut into tasks by shape alone, and distinct tasks write distinct elements, so every number of threads gives the same bits.
//! A step allocates nothing: scratch for contractions and packed operands lies in the [`Workspace`].
use super::bound::Bound;
use super::contraction::{Contraction, Operand, Operands};
use super::memory::AlignedBytes;
use super::planner::{Planned, Plans};
use super::product::{by_pieces, is_large};
use super::profile::StepTimes;
use super::steps::{
    MOST_GROUP_ARGUMENTS, count_products, depth, group_checks, group_work, groups_fit,
    member_arguments, part,
};
use super::team::Team;
use crate::kir::schedule::{Address, Base, MOST_ARGUMENTS, MOST_FINISH_ARGUMENTS, Schedule, Step};
use crate::kir::{STATUS_FINE, Status};
use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A compiled loop kernel: `kernel(buffers, begin, end, status)`.
///
/// # Safety
/// The code is alive. `buffers` holds a pointer for each of the kernel's buffers, in order, valid for every element that the kernel reaches at
/// positions `begin..end` of its outer range and aligned to elements. Meanwhile nobody else writes what it touches there, or reads what it
/// writes. (Of a loop of runs: as [`Turns`](super::call::Turns) says.)
pub type KernelFunction = unsafe extern "C" fn(*const *mut u8, i64, i64, *const Status);

/// Loops that may lie in one another.
pub const MOST_LOOPS: usize = 8;
/// Scalar operations below which a kernel is not shared among threads: some microseconds of work.
const SHARED_WORK: usize = 20_000;

/// An index was out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckFailure {
    /// Position of the check in the schedule's list.
    pub check: usize,
    /// The index.
    pub value: i32,
}

/// Memory that one run at a time works on.
#[derive(Debug)]
pub struct Workspace {
    arena: AlignedBytes,
    scratch: AlignedBytes,
    packs: AlignedBytes,
    status: Status,
}

/// A schedule with its compiled kernels and planned contractions.
pub struct Executable {
    schedule: Schedule,
    pub(super) kernels: Vec<KernelFunction>,
    pub(super) contractions: Vec<Planned>,
    constants: AlignedBytes,
    /// Packs made before a loop, by the step that reads them: (product, where in `packs`).
    pub(super) pack_offsets: Vec<Option<usize>>,
    pack_bytes: usize,
    pub(super) task_scratch: usize,
    partial_bytes: usize,
    pub(super) threads: usize,
    /// Whether any step is worth sharing.
    shared: bool,
    /// Keeps the kernels' code alive.
    _code: Arc<dyn Any + Send + Sync>,
}

/// Where the loops around a step are.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    position: [isize; MOST_LOOPS],
    done: [usize; MOST_LOOPS],
    depth: usize,
}

/// The memory of one run.
#[derive(Clone, Copy)]
pub(super) struct Memory<'a> {
    arena: *mut u8,
    constants: *mut u8,
    inputs: &'a [*mut u8],
    outputs: &'a [*mut u8],
    pub(super) scratch: *mut u8,
    pub(super) packs: *mut u8,
    pub(super) status: &'a Status,
    /// The threads that share its steps; `None`: one alone.
    pub(super) team: Option<&'a Team>,
}

// SAFETY: the pointers are shared with tasks that touch distinct elements, as the schedule guarantees; the caller of `run` guarantees
// that the memory is valid and not used by anyone else meanwhile.
unsafe impl Sync for Memory<'_> {}

impl Frame {
    /// Outside all loops.
    pub(super) fn outermost() -> Frame {
        Frame {
            position: [0; MOST_LOOPS],
            done: [0; MOST_LOOPS],
            depth: 0,
        }
    }
}

impl Workspace {
    /// Memory large enough for runs of each of these executables.
    pub fn for_all<'a>(executables: impl IntoIterator<Item = &'a Executable>) -> Workspace {
        let (mut arena, mut scratch, mut packs) = (0, 0, 0);
        for executable in executables {
            arena = arena.max(executable.schedule.arena_bytes);
            scratch = scratch.max(executable.scratch_bytes());
            packs = packs.max(executable.pack_bytes);
        }
        Workspace {
            arena: AlignedBytes::zeroed(arena),
            scratch: AlignedBytes::zeroed(scratch),
            packs: AlignedBytes::zeroed(packs),
            status: Status::new(STATUS_FINE),
        }
    }

    /// What kernels write the first index check that failed to.
    pub(super) fn status(&self) -> &Status {
        &self.status
    }

    /// Whether it is large enough for runs of an executable.
    pub fn fits(&self, executable: &Executable) -> bool {
        self.arena.len() >= executable.schedule.arena_bytes
            && self.scratch.len() >= executable.scratch_bytes()
            && self.packs.len() >= executable.pack_bytes
    }
}

impl Executable {
    /// Puts a schedule together with its kernels, in the schedule's order, and the plans of its products. `code` keeps their memory alive.
    ///
    /// # Errors
    /// A fault of the compiler: a loop nest too deep, a kernel with too many buffers, a product without a plan.
    pub(crate) fn new(
        schedule: Schedule,
        kernels: Vec<KernelFunction>,
        code: Arc<dyn Any + Send + Sync>,
        plans: Plans,
        threads: usize,
    ) -> Result<Executable, String> {
        if schedule
            .kernels
            .iter()
            .any(|kernel| kernel.buffers.len() > MOST_ARGUMENTS)
            || depth(&schedule.steps) > MOST_LOOPS
            || !groups_fit(&schedule.steps)
        {
            return Err("a kernel with too many buffers, or loops nested too deep".into());
        }
        let Plans(contractions) = plans;
        if contractions.len() != schedule.products.len() {
            return Err("other plans than products".into());
        }
        let mut constants = AlignedBytes::zeroed(schedule.constants.len());
        constants.bytes_mut().copy_from_slice(&schedule.constants);
        let plans = || {
            contractions
                .iter()
                .flat_map(|planned| std::iter::once(&planned.plain).chain(&planned.prepacked))
                .map(|plan| &**plan)
        };
        let task_scratch = plans()
            .map(Contraction::scratch_bytes)
            .max()
            .unwrap_or(0)
            .next_multiple_of(64);
        let partial_bytes = plans()
            .filter(|plan| by_pieces(plan, threads))
            .map(|plan| plan.pieces() * plan.partial_bytes())
            .max()
            .unwrap_or(0);
        let mut executable = Executable {
            pack_offsets: Vec::new(),
            pack_bytes: 0,
            task_scratch,
            partial_bytes: partial_bytes.next_multiple_of(64),
            threads,
            shared: false,
            schedule,
            kernels,
            contractions,
            constants,
            _code: code,
        };
        let steps = std::mem::take(&mut executable.schedule.steps);
        executable.plan_packs(&steps, false);
        executable.shared = threads > 1 && executable.any_shared(&steps);
        executable.schedule.steps = steps;
        Ok(executable)
    }

    /// The schedule.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The plans of its products, which executables may share.
    pub fn plans(&self) -> impl Iterator<Item = &Arc<Contraction>> {
        self.contractions
            .iter()
            .flat_map(|planned| std::iter::once(&planned.plain).chain(&planned.prepacked))
    }

    /// Bytes that a workspace for this executable takes.
    pub fn workspace_bytes(&self) -> usize {
        self.schedule.arena_bytes + self.scratch_bytes() + self.pack_bytes
    }

    pub(super) fn tasks_at_once(&self) -> usize {
        if self.threads > 1 {
            2 * self.threads
        } else {
            1
        }
    }

    fn scratch_bytes(&self) -> usize {
        self.tasks_at_once() * self.task_scratch + self.partial_bytes
    }

    /// Memory for runs of this executable.
    pub fn workspace(&self) -> Workspace {
        Workspace::for_all([self])
    }

    /// Gives each product step inside a loop whose packed operand is constant there a place for the pack. Steps are visited in the order
    /// in which [`Executable::run`] meets them first.
    fn plan_packs(&mut self, steps: &[Step], in_loop: bool) {
        for step in steps {
            match step {
                Step::Product {
                    product,
                    constant_a,
                    constant_b,
                    ..
                } => {
                    let packed = self.contractions[*product]
                        .prepacked
                        .as_ref()
                        .filter(|plan| {
                            in_loop
                                && match plan.packs() {
                                    Some(Operand::A) => *constant_a,
                                    Some(Operand::B) => *constant_b,
                                    None => false,
                                }
                        });
                    let bytes = packed.map(|plan| plan.pack_bytes().next_multiple_of(64));
                    self.pack_offsets.push(bytes.map(|_| self.pack_bytes));
                    self.pack_bytes += bytes.unwrap_or(0);
                }
                Step::Loop { body, .. } => self.plan_packs(body, true),
                Step::Kernel { .. }
                | Step::Group { .. }
                | Step::Zero { .. }
                | Step::Copy { .. }
                | Step::Turn { .. } => {}
            }
        }
    }

    /// Binds the schedule to memory, for any number of runs.
    ///
    /// # Safety
    /// As for [`Executable::run`], as long as the result is used.
    pub unsafe fn bind(
        &self,
        inputs: &[*mut u8],
        outputs: &[*mut u8],
        workspace: &Workspace,
    ) -> Bound {
        let memory = Memory {
            inputs,
            outputs,
            ..self.memory(workspace)
        };
        // SAFETY: the caller's contract.
        unsafe { Bound::new(self, &memory) }
    }

    /// Whether other threads find anything to do in a run.
    pub(super) fn is_shared(&self) -> bool {
        self.shared
    }

    /// Runs the schedule once, `alone` on the caller's thread; with `times`, taking the time of each step.
    ///
    /// # Errors
    /// The first index check that failed; outputs that depend on it are not written.
    ///
    /// # Safety
    /// `inputs` and `outputs` hold one pointer for each input and output of the graph that was lowered, each to memory of that value's
    /// size, aligned to its elements, which nobody else uses meanwhile; an output's memory overlaps an input's only where the graph was
    /// lowered with that alias. `workspace` fits this executable ([`Workspace::fits`]), and no other run works on it meanwhile. `bound` was
    /// bound to these pointers and this workspace by this executable.
    pub unsafe fn run(
        &self,
        inputs: &[*mut u8],
        outputs: &[*mut u8],
        workspace: &Workspace,
        bound: &Bound,
        alone: bool,
        times: Option<&mut StepTimes>,
    ) -> Result<(), CheckFailure> {
        workspace.status.store(STATUS_FINE, Ordering::Relaxed);
        let memory = Memory {
            inputs,
            outputs,
            ..self.memory(workspace)
        };
        let lead = |team: Option<&Team>| {
            let whole: &Memory<'_> = &memory;
            let memory = Memory { team, ..*whole };
            // SAFETY: the caller's contract; `memory` is what `bound` was bound to, and the schedule stays within it by construction.
            unsafe {
                match times {
                    Some(times) => times.run(self, &memory),
                    None => bound.run(self, &memory),
                }
            }
        };
        if self.shared && !alone {
            Team::run(self.threads, |team| lead(Some(team)))
        } else {
            lead(None)
        }
    }

    /// The memory of runs on one thread, for [`Bound::run`].
    pub(super) fn alone<'a>(
        &self,
        inputs: &'a [*mut u8],
        outputs: &'a [*mut u8],
        workspace: &'a Workspace,
    ) -> Memory<'a> {
        Memory {
            inputs,
            outputs,
            ..self.memory(workspace)
        }
    }

    fn memory<'a>(&self, workspace: &'a Workspace) -> Memory<'a> {
        Memory {
            arena: workspace.arena.pointer(),
            constants: self.constants.pointer(),
            inputs: &[],
            outputs: &[],
            scratch: workspace.scratch.pointer(),
            packs: workspace.packs.pointer(),
            status: &workspace.status,
            team: None,
        }
    }

    /// Runs steps in order. `products` is how many product steps come before them, and is moved on.
    ///
    /// # Errors
    /// The first index check that failed.
    ///
    /// # Safety
    /// `memory` is that of a run of this executable, as [`Executable::run`] demands it. The steps follow one another in its schedule and it is
    /// their turn; `frame` says where the loops around them are.
    pub(super) unsafe fn steps(
        &self,
        steps: &[Step],
        memory: &Memory<'_>,
        frame: Frame,
        products: &mut usize,
    ) -> Result<(), CheckFailure> {
        for step in steps {
            // SAFETY: the caller's contract, for the step whose turn it is; addresses of the schedule lie within their buffers.
            unsafe {
                match step {
                    Step::Kernel {
                        kernel,
                        arguments,
                        outer,
                        work,
                        checks,
                        ..
                    } => {
                        self.kernel(*kernel, arguments, *outer, *work, memory, &frame);
                        if *checks {
                            failure(memory.status)?;
                        }
                    }
                    Step::Product {
                        product,
                        a,
                        b,
                        c,
                        terms,
                        ..
                    } => {
                        let operands = Operands {
                            a: memory.at(a, &frame),
                            b: memory.at(b, &frame),
                            c: memory.at(c, &frame),
                            packed: std::ptr::null(),
                        };
                        let takers = self.taken_by(*product, *products);
                        let mut taken = [std::ptr::null_mut::<u8>(); MOST_FINISH_ARGUMENTS];
                        for (pointer, address) in taken.iter_mut().zip(takers) {
                            *pointer = memory.at(address, &frame);
                        }
                        let taken = &taken[..takers.len()];
                        if let Some(group) = terms {
                            let pointers = group_pointers(group, memory, &frame);
                            self.summed(
                                (*product, *products),
                                operands,
                                (group, &pointers),
                                memory,
                            )?;
                        } else {
                            self.product((*product, *products), operands, taken, memory);
                        }
                        *products += 1;
                    }
                    Step::Group { .. } => {
                        let pointers = group_pointers(step, memory, &frame);
                        self.group_at(step, &pointers, memory)?;
                    }
                    Step::Zero { at, bytes } => {
                        std::ptr::write_bytes(memory.at(at, &frame), 0, *bytes)
                    }
                    Step::Copy { from, to, bytes } => {
                        std::ptr::copy_nonoverlapping(
                            memory.at(from, &frame).cast_const(),
                            memory.at(to, &frame),
                            *bytes,
                        );
                    }
                    Step::Turn { at } => {
                        let position = frame
                            .depth
                            .checked_sub(1)
                            .map_or(0, |depth| frame.position[depth]);
                        memory.at(at, &frame).cast::<i32>().write(position as i32);
                    }
                    Step::Loop {
                        length,
                        reverse,
                        body,
                        ..
                    } => {
                        let whole = (*length, *reverse, body.as_slice());
                        self.turns(whole, memory, frame, products, &mut |frame, products| {
                            self.steps(body, memory, frame, products)
                        })?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs the turns of a loop, each by `turn`, which is given the frame and the number of product steps before the body.
    ///
    /// # Errors
    /// The first one of a turn.
    ///
    /// # Safety
    /// As for [`Executable::steps`], of a loop step with this length, direction and body.
    pub(super) unsafe fn turns(
        &self,
        (length, reverse, body): (usize, bool, &[Step]),
        memory: &Memory<'_>,
        mut frame: Frame,
        products: &mut usize,
        turn: &mut dyn FnMut(Frame, &mut usize) -> Result<(), CheckFailure>,
    ) -> Result<(), CheckFailure> {
        let depth = frame.depth;
        frame.depth += 1;
        // SAFETY: the caller's contract; the loop begins here, and its frame has one loop more.
        unsafe { self.pack(body, memory, &frame, &mut products.clone()) };
        let first = *products;
        for done in 0..length {
            frame.done[depth] = done;
            frame.position[depth] = if reverse { length - 1 - done } else { done } as isize;
            *products = first;
            turn(frame, products)?;
        }
        if length == 0 {
            *products = first + count_products(body);
        }
        Ok(())
    }

    /// Packs what stays constant in a loop whose body these steps are (inner loops make their own packs).
    ///
    /// # Safety
    /// As for [`Executable::steps`], of the body of a loop that is about to begin; `number` product steps come before it.
    unsafe fn pack(&self, body: &[Step], memory: &Memory<'_>, frame: &Frame, number: &mut usize) {
        for step in body {
            match step {
                Step::Product { product, a, b, .. } => {
                    let place = self.pack_offsets.get(*number).copied().flatten();
                    if let (Some(offset), Some(plan)) =
                        (place, &self.contractions[*product].prepacked)
                    {
                        let operand = if plan.packs() == Some(Operand::A) {
                            a
                        } else {
                            b
                        };
                        // SAFETY: the operand is whole before the loop and no turn moves it; `packs` has a place for this pack alone, by
                        // `plan_packs`.
                        unsafe {
                            plan.pack(
                                memory.at(operand, frame).cast_const(),
                                memory.packs.add(offset),
                                0..plan.pack_parts(),
                            )
                        };
                    }
                    *number += 1;
                }
                Step::Loop { body, .. } => *number += count_products(body),
                Step::Kernel { .. }
                | Step::Group { .. }
                | Step::Zero { .. }
                | Step::Copy { .. }
                | Step::Turn { .. } => {}
            }
        }
    }

    /// Runs a kernel step with these fields.
    ///
    /// # Safety
    /// As for [`Executable::steps`].
    unsafe fn kernel(
        &self,
        kernel: usize,
        arguments: &[Address],
        outer: usize,
        work: usize,
        memory: &Memory<'_>,
        frame: &Frame,
    ) {
        let mut pointers = [std::ptr::null_mut::<u8>(); MOST_ARGUMENTS];
        for (pointer, address) in pointers.iter_mut().zip(arguments) {
            // SAFETY: the caller's contract: an address of the schedule, and the frame around its step.
            *pointer = unsafe { memory.at(address, frame) };
        }
        let tasks = self.kernel_tasks(outer, work);
        // SAFETY: the caller's contract; the pointers are the kernel's arguments, as many as it has buffers.
        unsafe { self.kernel_at(kernel, &pointers, outer, tasks, memory) }
    }

    /// Runs a kernel on its arguments, which are the first of `pointers`.
    ///
    /// # Safety
    /// As for [`KernelFunction`], for all of its outer range, which is `0..outer`; `memory` is that of the run.
    pub(super) unsafe fn kernel_at(
        &self,
        kernel: usize,
        pointers: &[*mut u8],
        outer: usize,
        tasks: usize,
        memory: &Memory<'_>,
    ) {
        let function = self.kernels[kernel];
        let shared = SharedPointers(pointers);
        let run = |range: Range<usize>| {
            let shared = &shared;
            // SAFETY: the caller's contract; tasks have disjoint ranges below `outer`, at which a kernel writes distinct elements.
            unsafe {
                function(
                    shared.0.as_ptr(),
                    range.start as i64,
                    range.end as i64,
                    memory.status,
                )
            }
        };
        match memory.team {
            Some(team) if tasks > 1 => team.share(tasks, &|task| run(part(outer, tasks, task))),
            Some(_) | None => run(0..outer),
        }
    }

    /// Runs the members of a group, block of rows after block, on their arguments, which are the first of `pointers`.
    ///
    /// # Errors
    /// The first index check that failed.
    ///
    /// # Safety
    /// As for [`Executable::steps`], of a group; the pointers are those that its members' arguments name now, in order.
    pub(super) unsafe fn group_at(
        &self,
        group: &Step,
        pointers: &[*mut u8],
        memory: &Memory<'_>,
    ) -> Result<(), CheckFailure> {
        let Step::Group { rows, members, .. } = group else {
            return Ok(());
        };
        let shared = SharedPointers(pointers);
        let run = |range: Range<usize>| {
            let shared = &shared;
            // SAFETY: the caller's contract; tasks have rows of their own.
            unsafe { self.group_rows(group, shared.0, range, memory) }
        };
        let tasks = self.group_tasks(*rows, members);
        match memory.team {
            Some(team) if tasks > 1 => team.share(tasks, &|task| run(part(*rows, tasks, task))),
            Some(_) | None => run(0..*rows),
        }
        if group_checks(members) {
            failure(memory.status)?;
        }
        Ok(())
    }

    /// Runs the members of a group for some of its rows, block after block.
    ///
    /// # Safety
    /// As for [`Executable::group_at`], for rows of the group that nobody else does.
    pub(super) unsafe fn group_rows(
        &self,
        group: &Step,
        pointers: &[*mut u8],
        range: Range<usize>,
        memory: &Memory<'_>,
    ) {
        let Step::Group {
            rows,
            block,
            members,
        } = group
        else {
            return;
        };
        let block = (*block).max(1);
        for start in range.clone().step_by(block) {
            let end = range.end.min(start + block);
            let mut first = 0;
            for member in members {
                let Step::Kernel { kernel, outer, .. } = member else {
                    continue;
                };
                let positions = outer / rows;
                // SAFETY: the kernel stays within its buffers for positions below `outer`; at a row, members touch what
                // another one writes only within that row's part, so rows may be done in any order and by any thread.
                unsafe {
                    self.kernels[*kernel](
                        pointers[first..].as_ptr(),
                        (start * positions) as i64,
                        (end * positions) as i64,
                        memory.status,
                    )
                }
                first += member_arguments(member).len();
            }
        }
    }

    /// Ranges that a group's rows are cut into.
    pub(super) fn group_tasks(&self, rows: usize, members: &[Step]) -> usize {
        self.kernel_tasks(rows, group_work(rows, members))
    }

    /// Ranges that a kernel's positions are cut into.
    pub(super) fn kernel_tasks(&self, outer: usize, work: usize) -> usize {
        let total = outer.saturating_mul(work);
        if self.threads > 1 && total >= SHARED_WORK {
            (total / (SHARED_WORK / 2)).min(2 * self.threads).min(outer)
        } else {
            1
        }
    }

    fn any_shared(&self, steps: &[Step]) -> bool {
        steps.iter().any(|step| match step {
            Step::Kernel { outer, work, .. } => self.kernel_tasks(*outer, *work) > 1,
            Step::Group { rows, members, .. } => self.group_tasks(*rows, members) > 1,
            Step::Product { product, .. } => is_large(&self.contractions[*product].plain),
            Step::Loop { body, .. } => self.any_shared(body),
            Step::Zero { .. } | Step::Copy { .. } | Step::Turn { .. } => false,
        })
    }
}

struct SharedPointers<'a>(&'a [*mut u8]);
// SAFETY: see `Memory`.
unsafe impl Sync for SharedPointers<'_> {}

impl Memory<'_> {
    /// The pointer that an address names now.
    ///
    /// # Safety
    /// `address` is one of the schedule that this memory is for, and `frame` says where the loops around its step are: only then does the
    /// pointer lie within the address's buffer.
    pub(super) unsafe fn at(&self, address: &Address, frame: &Frame) -> *mut u8 {
        let base = match address.base {
            Base::Arena => self.arena,
            Base::Input(at) => self.inputs[at as usize],
            Base::Output(at) => self.outputs[at as usize],
            Base::Constant => self.constants,
        };
        let mut offset = address.offset as isize;
        for &(number, bytes) in &address.moves {
            offset += frame.position[number] * bytes;
        }
        if let Some((number, bytes, phase)) = address.alternates {
            offset += ((frame.done[number] + phase) % 2 * bytes) as isize;
        }
        // Not `offset`: an address may lie outside its buffer as a base that guards keep from being used there.
        base.wrapping_offset(offset)
    }
}

/// The arguments of all members of a group, in order.
///
/// # Safety
/// As for [`Memory::at`], of a group with arguments that fit ([`groups_fit`]).
unsafe fn group_pointers(
    group: &Step,
    memory: &Memory<'_>,
    frame: &Frame,
) -> [*mut u8; MOST_GROUP_ARGUMENTS] {
    let mut pointers = [std::ptr::null_mut::<u8>(); MOST_GROUP_ARGUMENTS];
    if let Step::Group { members, .. } = group {
        let arguments = members.iter().flat_map(member_arguments);
        for (pointer, address) in pointers.iter_mut().zip(arguments) {
            // SAFETY: the caller's contract, for each member of the group.
            *pointer = unsafe { memory.at(address, frame) };
        }
    }
    pointers
}

pub(super) fn failure(status: &Status) -> Result<(), CheckFailure> {
    match status.load(Ordering::Relaxed) {
        STATUS_FINE => Ok(()),
        word => Err(CheckFailure {
            check: (word >> 32) as usize - 1,
            value: word as u32 as i32,
        }),
    }
}
