//! The checked way to run executables: on a [`Store`] of numbered slots.
use super::bound::Bound;
use super::execute::{CheckFailure, Executable, KernelFunction, Memory, Workspace};
use super::memory::{AlignedBytes, bytes_of};
use super::pace::Pace;
use super::profile::{Sample, StepTimes, Timing};
use super::runs::Solo;
use crate::base::data::Table;
use crate::kir::{STATUS_FINE, Status};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Numbered slots of bytes, each with memory of its own that never moves, or with a field of a table, which is only read.
#[derive(Debug)]
pub struct Store {
    slots: Vec<Slot>,
    /// Changes whenever a slot's memory does.
    identity: u64,
}

#[derive(Debug)]
enum Slot {
    Own(AlignedBytes),
    /// The table and the position of the field in it.
    Field(Arc<Table>, usize),
}

impl Slot {
    fn bytes(&self) -> &[u8] {
        match self {
            Slot::Own(memory) => memory.bytes(),
            Slot::Field(table, field) => table
                .fields
                .get(*field)
                .map_or(&[], |(_, tensor)| bytes_of(tensor.elements())),
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Slot::Own(memory) => memory.bytes_mut(),
            Slot::Field(..) => &mut [],
        }
    }
}

impl Store {
    /// Zeroed slots of these sizes in bytes.
    pub fn zeroed(sizes: impl IntoIterator<Item = usize>) -> Store {
        Store {
            slots: sizes
                .into_iter()
                .map(|size| Slot::Own(AlignedBytes::zeroed(size)))
                .collect(),
            identity: fresh(),
        }
    }

    /// Makes a slot a view of a field of a table, which calls may read and nobody may write. Says whether both are there.
    pub fn lend(&mut self, slot: usize, table: &Arc<Table>, field: &str) -> bool {
        let position = table.fields.iter().position(|(name, _)| name == field);
        match (self.slots.get_mut(slot), position) {
            (Some(place), Some(position)) => {
                *place = Slot::Field(table.clone(), position);
                self.identity = fresh();
                true
            }
            (_, _) => false,
        }
    }

    /// Takes over the memory of another store's slots, number by number, where both have memory of their own of one size.
    pub fn adopt(&mut self, other: Store) {
        for (place, slot) in self.slots.iter_mut().zip(other.slots) {
            if let (Slot::Own(here), Slot::Own(there)) = (&*place, &slot)
                && here.len() == there.len()
            {
                *place = slot;
            }
        }
        self.identity = fresh();
    }

    /// Forgets every slot from number `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.slots.truncate(length);
        self.identity = fresh();
    }

    /// A store of the same slots: memory copied, fields lent again.
    pub fn copied(&self) -> Store {
        let copy = |slot: &Slot| match slot {
            Slot::Own(memory) => {
                let mut own = AlignedBytes::zeroed(memory.len());
                own.bytes_mut().copy_from_slice(memory.bytes());
                Slot::Own(own)
            }
            Slot::Field(table, field) => Slot::Field(table.clone(), *field),
        };
        Store {
            slots: self.slots.iter().map(copy).collect(),
            identity: fresh(),
        }
    }

    /// The bytes of a slot with memory of its own; none for a lent field.
    pub fn own_bytes(&self, slot: usize) -> &[u8] {
        match self.slots.get(slot) {
            Some(Slot::Own(memory)) => memory.bytes(),
            Some(Slot::Field(..)) | None => &[],
        }
    }

    pub(super) fn identity(&self) -> u64 {
        self.identity
    }

    /// The memory of a slot that has its own.
    pub(super) fn memory(&mut self, slot: usize) -> Option<&mut AlignedBytes> {
        match self.slots.get_mut(slot)? {
            Slot::Own(memory) => Some(memory),
            Slot::Field(..) => None,
        }
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no slot.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The bytes of a slot; none for a slot that is not there.
    pub fn bytes(&self, slot: usize) -> &[u8] {
        self.slots.get(slot).map_or(&[], Slot::bytes)
    }

    /// The bytes of a slot, to be changed; none for a slot that is not there or a lent field.
    pub fn bytes_mut(&mut self, slot: usize) -> &mut [u8] {
        self.slots.get_mut(slot).map_or(&mut [], Slot::bytes_mut)
    }

    /// Copies the bytes of one slot to another of the same size.
    pub fn copy(&mut self, from: usize, to: usize) {
        if let Ok([from, to]) = self.slots.get_disjoint_mut([from, to])
            && from.bytes().len() == to.bytes().len()
            && matches!(to, Slot::Own(_))
        {
            to.bytes_mut().copy_from_slice(from.bytes());
        }
    }

    /// Bytes of all slots with memory of their own together.
    pub fn total_bytes(&self) -> usize {
        let own = self.slots.iter().map(|slot| match slot {
            Slot::Own(memory) => memory.len(),
            Slot::Field(..) => 0,
        });
        own.sum()
    }
}

/// An executable with the slots that its inputs and outputs are.
#[derive(Clone)]
pub struct Call {
    executable: Arc<Executable>,
    inputs: Vec<(usize, usize)>,
    outputs: Vec<(usize, usize)>,
    /// Shared by its clones, which are equal.
    identity: u64,
    /// Many runs in one go, where the graph is small enough for that.
    turns: Option<Turns>,
}

/// A native loop of runs: `function(pointers, first, end, _)` with a pointer for each input, for each output, and to the number of the
/// first turn that it did not do, an `i64`.
#[derive(Clone)]
pub struct Turns {
    /// The loop.
    pub function: KernelFunction,
    /// Keeps its memory alive.
    pub code: Arc<dyn Any + Send + Sync>,
}

/// What runs of calls work on; one run at a time.
#[derive(Debug)]
pub struct CallSpace {
    workspace: Workspace,
    bindings: Vec<Binding>,
    /// Changes whenever a binding gets another place.
    identity: u64,
    profiled: bool,
    /// How long the runs of a call are timed, where not for ever.
    limit: Option<Duration>,
}

/// A call's executable bound to the slots of a store.
#[derive(Debug)]
struct Binding {
    call: u64,
    store: u64,
    inputs: Vec<*mut u8>,
    outputs: Vec<*mut u8>,
    /// Those of inputs and outputs and a last one, for [`Turns`].
    pointers: Vec<*mut u8>,
    bound: Bound,
    /// Whether its runs are shared among threads.
    pace: Pace,
    /// Where the time of its runs went, while that is asked.
    times: Option<Sample>,
}

// SAFETY: the pointers are only used within `Call::run`, which borrows the store that they point into.
unsafe impl Send for Binding {}

/// A number that no other call or store has had.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Call {
    /// Binds an executable to slots: pairs of slot and size in bytes, one for each input and output of the graph. `aliases` are those that
    /// the graph was lowered with.
    ///
    /// # Errors
    /// A fault of the compiler: a slot written twice, or an output in the place of an input that the graph was not lowered for.
    pub(crate) fn new(
        executable: Arc<Executable>,
        inputs: Vec<(usize, usize)>,
        outputs: Vec<(usize, usize)>,
        aliases: &[Option<u32>],
    ) -> Result<Call, String> {
        for (at, output) in outputs.iter().enumerate() {
            if outputs[..at].iter().any(|other| other.0 == output.0) {
                return Err(format!("slot {} is written twice by one graph", output.0));
            }
            let alias = aliases.get(at).copied().flatten();
            let shared = (0..inputs.len()).filter(|&input| inputs[input].0 == output.0);
            for input in shared {
                if alias != Some(input as u32) {
                    return Err(format!(
                        "slot {} is read and updated by one graph that was not lowered for it",
                        output.0
                    ));
                }
            }
        }
        Ok(Call {
            executable,
            inputs,
            outputs,
            identity: fresh(),
            turns: None,
        })
    }

    /// What it runs.
    pub fn executable(&self) -> &Arc<Executable> {
        &self.executable
    }

    /// The same with a native loop of runs, which was compiled, like its kernels, from the schedule of its executable, for the sizes and
    /// aliases that [`Call::new`] was given.
    pub(crate) fn with_turns(self, turns: Turns) -> Call {
        Call {
            turns: Some(turns),
            ..self
        }
    }

    /// Runs it for the turns `first..end` in one go, and gives the first that is left: less than `end` where a loss became infinite or NaN.
    /// `None` where there is no such loop, or the time of single steps is taken.
    pub fn run_turns(
        &self,
        store: &mut Store,
        space: &mut CallSpace,
        (first, end): (i64, i64),
    ) -> Option<i64> {
        let turns = self.turns.as_ref().filter(|_| !space.profiled)?;
        let at = self.bound(store, space);
        let binding = &mut space.bindings[at];
        let mut left = first;
        *binding.pointers.last_mut()? = (&raw mut left).cast();
        // Nobody writes it; a graph with checks has no such loop.
        let status = Status::new(STATUS_FINE);
        // SAFETY: the slots are those of the store, which is borrowed exclusively and whose memory has not moved since they were bound; by
        // `with_turns` the code takes as many pointers, to memory of these sizes, and writes outputs and `left` only.
        unsafe { (turns.function)(binding.pointers.as_ptr(), first, end, &raw const status) };
        Some(left)
    }

    /// Where the space keeps the pointers of a call's slots.
    fn bound(&self, store: &Store, space: &mut CallSpace) -> usize {
        let known = space
            .bindings
            .iter()
            .position(|binding| binding.call == self.identity && binding.store == store.identity);
        known.unwrap_or_else(|| self.bind(store, space))
    }

    /// Runs it once.
    ///
    /// # Errors
    /// The first index check that failed.
    ///
    /// # Panics
    /// Where the space was not made for this call: a fault of the compiler that must not reach memory.
    pub fn run(&self, store: &mut Store, space: &mut CallSpace) -> Result<(), CheckFailure> {
        let at = self.bound(store, space);
        let binding = &mut space.bindings[at];
        let timing = match &mut binding.times {
            Some(sample) => sample.next(space.limit),
            None => Timing::Plain,
        };
        // Where the time of steps is taken, all runs are done in the way that the settings ask for.
        let (alone, paced) = match binding.times {
            None if self.executable.is_shared() => binding.pace.next(),
            None | Some(_) => (false, false),
        };
        let start = (paced || timing == Timing::Whole).then(Instant::now);
        let steps = binding.times.as_mut().map(|sample| &mut sample.steps);
        // SAFETY: as in `bind`: the slots are those of the store, which is borrowed exclusively and whose memory has not moved since.
        let result = unsafe {
            self.executable.run(
                &binding.inputs,
                &binding.outputs,
                &space.workspace,
                &binding.bound,
                alone,
                steps.filter(|_| timing == Timing::Steps),
            )
        };
        if let (Some(start), true) = (start, paced) {
            binding.pace.note(start.elapsed());
        }
        if let (Some(start), Some(sample)) = (start, &mut binding.times) {
            sample.note(start.elapsed());
        }
        result
    }

    /// Binds it, and says how its runs on one thread are done; `None` where its steps are shared among threads or timed.
    pub(super) fn solo(&self, store: &Store, space: &mut CallSpace) -> Option<Solo> {
        let at = self.bound(store, space);
        let alone = !space.profiled && !self.executable.is_shared();
        let lone = space.bindings[at].bound.lone(&self.executable);
        alone.then_some(Solo { binding: at, lone })
    }

    /// Finds the pointers of a call's slots, and says where in the space they are kept.
    fn bind(&self, store: &Store, space: &mut CallSpace) -> usize {
        assert!(
            space.workspace.fits(&self.executable),
            "the workspace is too small for this call"
        );
        let input = |&(slot, bytes): &(usize, usize)| match &store.slots[slot] {
            Slot::Own(memory) => sized(memory.len(), bytes, memory.pointer()),
            field @ Slot::Field(..) => {
                let view = field.bytes();
                sized(view.len(), bytes, view.as_ptr().cast_mut())
            }
        };
        let output = |&(slot, bytes): &(usize, usize)| {
            let Slot::Own(memory) = &store.slots[slot] else {
                panic!("slot {slot} is a field of a data set and is written");
            };
            sized(memory.len(), bytes, memory.pointer())
        };
        let inputs: Vec<*mut u8> = self.inputs.iter().map(input).collect();
        let outputs: Vec<*mut u8> = self.outputs.iter().map(output).collect();
        // SAFETY: one pointer per input and output, each to a slot of the size given; slots do not overlap; a lent field is an input only,
        // and inputs that are no outputs are not written; `new` has checked that an output shares an input's slot only by an alias. The
        // workspace is large enough, by `fits`; neither it nor a slot's memory moves while the store has this identity.
        let bound = unsafe { self.executable.bind(&inputs, &outputs, &space.workspace) };
        // Of stores that are gone nothing is kept.
        if space
            .bindings
            .iter()
            .any(|binding| binding.store != store.identity)
        {
            space
                .bindings
                .retain(|binding| binding.store == store.identity);
            space.identity = fresh();
        }
        space.bindings.push(Binding {
            call: self.identity,
            store: store.identity,
            pointers: inputs
                .iter()
                .chain(&outputs)
                .copied()
                .chain([std::ptr::null_mut()])
                .collect(),
            inputs,
            outputs,
            bound,
            pace: Pace::default(),
            times: space
                .profiled
                .then(|| Sample::new(self.executable.schedule())),
        });
        space.bindings.len() - 1
    }
}

/// The pointer of a slot.
///
/// # Panics
/// Where the slot is smaller than the value that it is to hold: a fault of the compiler that must not reach memory.
fn sized(length: usize, wanted: usize, pointer: *mut u8) -> *mut u8 {
    assert!(length >= wanted, "a slot is too small for its value");
    pointer
}

impl CallSpace {
    /// The steps of a binding and their memory, for runs of its executable on one thread.
    pub(super) fn alone(&self, binding: usize, executable: &Executable) -> (&Bound, Memory<'_>) {
        let binding = &self.bindings[binding];
        let memory = executable.alone(&binding.inputs, &binding.outputs, &self.workspace);
        (&binding.bound, memory)
    }

    /// What kernels write their index checks to.
    pub(super) fn status(&self) -> &Status {
        self.workspace.status()
    }

    pub(super) fn identity(&self) -> u64 {
        self.identity
    }

    /// Takes the time of each step of the runs from now on, or no more; what was taken is forgotten.
    pub fn profile(&mut self, profiled: bool) {
        self.profiled = profiled;
        self.limit = None;
        self.bindings.clear();
        self.identity = fresh();
    }

    /// Takes the time of each step of every second run of a call from now on, until those runs have taken so long together.
    pub fn sample(&mut self, limit: Duration) {
        self.profile(true);
        self.limit = Some(limit);
    }

    /// Where the time of a call's runs went.
    pub fn times(&self, call: &Call) -> Option<&StepTimes> {
        Some(&self.sampled(call)?.steps)
    }

    /// What is known of a call's runs.
    pub fn sampled(&self, call: &Call) -> Option<&Sample> {
        let mut bindings = self.bindings.iter();
        bindings
            .find(|binding| binding.call == call.identity)?
            .times
            .as_ref()
    }

    /// Memory large enough for each of these calls, one at a time.
    pub fn for_calls<'a>(calls: impl IntoIterator<Item = &'a Call>) -> CallSpace {
        CallSpace {
            workspace: Workspace::for_all(calls.into_iter().map(|call| &*call.executable)),
            bindings: Vec::new(),
            identity: fresh(),
            profiled: false,
            limit: None,
        }
    }
}
