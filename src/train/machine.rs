//! The machine that runs the host plan, one instruction at a time.
use super::batches::Batches;
use super::compile::Compiled;
use super::error::{ASSERTION, RunError};
use super::losses::{ByHand, Noted, Pace, by_hand};
use super::refused::{enough_memory, no_field};
use super::stretch::{MOST_LOSSES, Meter, Prepared};
use super::turns::Slice;
use super::watch::{Watch, updated};
use super::{files, format, values};
use crate::base::data::DataError;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::base::types::Type;
use crate::check::program::{Field, Instr, Piece, Program, SlotId};
use crate::runtime::profile::{Sample, StepTimes};
use crate::runtime::{CallSpace, Store};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Says which file a path of a program means, or why it may not be used.
pub type Resolve = Arc<dyn Fn(&str) -> Result<PathBuf, DataError> + Send + Sync>;

/// What an instruction had to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Nothing; the plan goes on.
    None,
    /// A line of the program's output.
    Line(String),
    /// A training epoch begins.
    EpochBegin {
        /// From 0.
        epoch: usize,
        /// How many there are.
        epochs: usize,
        /// Training steps in one.
        steps: usize,
    },
    /// Training steps are done; [`Machine::losses`] are theirs.
    StepsDone {
        /// The number of the last in the epoch, from 0.
        step: usize,
        /// Training steps in the epoch.
        steps: usize,
    },
    /// A training epoch is done.
    EpochEnd(Epoch),
    /// A loss or a parameter is no longer finite, or weights were saved under another name, and the run goes on all the same.
    Warning(Box<Diagnostic>),
    /// The plan has ended.
    Finished,
}

/// The report of a training epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// From 0.
    pub epoch: usize,
    /// How many there are.
    pub epochs: usize,
    /// Labels and values: the loss, metrics.
    pub values: Vec<(String, f64)>,
    /// Seconds it took.
    pub seconds: f64,
}

/// What the plan knows of the epoch it is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) step: u64,
    pub(super) steps: u64,
    /// Time spent before the state was saved.
    pub(super) before: Duration,
}

/// Where the time of a run went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTimes {
    /// Compiled graphs, while [`Machine::take_times`] held.
    pub graphs: Duration,
    /// How often one ran.
    pub runs: u64,
    /// How often one ran that updates parameters.
    pub updates: u64,
    /// Training steps done: batches of `train`, turns of loops of steps.
    pub steps: u64,
}

/// Graphs outside loops of steps that run between two looks at the clock, at most: each may take another time.
const MOST_UNSEEN: u64 = 8;

/// A program being run. Its whole state is the position, the slots, the batch iterators and the turn of a loop of steps.
pub struct Machine {
    pub(super) program: Arc<Program>,
    pub(super) compiled: Arc<Compiled>,
    pub(super) store: Store,
    pub(super) space: CallSpace,
    pub(super) position: usize,
    /// Turns done of the loop of steps at `position`.
    pub(super) turns: u64,
    pub(super) iterators: Vec<Option<Batches>>,
    pub(super) progress: Progress,
    pub(super) epoch_start: Instant,
    /// What [`Machine::snapshot`] knows program and data by; costly, so found once.
    pub(super) fingerprint: OnceLock<u64>,
    /// Most turns of a loop of steps in one [`Machine::step`].
    pub(super) slice: u64,
    /// When a loop of steps ends for the host to be asked, and when the instructions around it do.
    pub(super) turn_clock: Slice,
    clock: Slice,
    /// The plan made ready to run, and when a stretch of it ends for the host to be asked.
    pub(super) prepared: Option<Box<Prepared>>,
    pub(super) meter: Meter,
    /// For each graph: whether it updates parameters, and how often it ran.
    pub(super) graphs: Vec<(bool, u64)>,
    /// The losses of the training steps of the last [`Event::StepsDone`].
    pub(super) losses: Vec<f64>,
    /// The losses of loops by hand in the last [`Machine::step`], and whether they are noted.
    pub(super) noted: Vec<Noted>,
    pub(super) noting: bool,
    /// For each graph what the program minimizes itself, and which turns of its loops are noted.
    pub(super) by_hand: Vec<ByHand>,
    pub(super) paces: Vec<Pace>,
    resolve: Resolve,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) times: RunTimes,
    /// Whether the time of graphs is taken.
    pub(super) timed: bool,
    pub(super) watch: Option<Box<Watch>>,
    /// Columns of the terminal that printed tensors keep to, where there is one.
    columns: Option<usize>,
    /// Whether steps are gone through again, of which the outside must not notice anything.
    pub(super) replaying: bool,
}

impl Machine {
    /// A machine before the first instruction. `resolve` says which files the plan's paths mean.
    ///
    /// # Errors
    /// Less memory than the program needs, or a fault of the compiler: an initial value that does not fit its slot.
    pub fn new(
        program: Arc<Program>,
        compiled: Arc<Compiled>,
        resolve: Resolve,
    ) -> Result<Machine, RunError> {
        enough_memory(&program, &compiled)?;
        let sizes = program.slots.iter().map(|slot| match slot.field {
            Some(_) => 0,
            None => slot.ty.bytes(),
        });
        let mut store = Store::zeroed(sizes);
        for (at, slot) in program.slots.iter().enumerate() {
            if let Some(field) = &slot.field {
                lend(&mut store, &program, at, field)?;
            }
        }
        write_initial(&mut store, &program)?;
        Ok(Machine {
            space: compiled.space(),
            iterators: vec![None; program.iterators],
            graphs: program
                .graphs
                .iter()
                .map(|step| (updated(&program, step).next().is_some(), 0))
                .collect(),
            by_hand: by_hand(&program),
            paces: vec![Pace::default(); program.graphs.len()],
            prepared: None,
            meter: Meter::new(program.graphs.len()),
            program,
            compiled,
            store,
            position: 0,
            turns: 0,
            progress: Progress::default(),
            epoch_start: Instant::now(),
            fingerprint: OnceLock::new(),
            slice: u64::MAX,
            turn_clock: Slice::new(u64::MAX),
            clock: Slice::new(MOST_UNSEEN),
            losses: Vec::with_capacity(MOST_LOSSES),
            noted: Vec::new(),
            noting: false,
            resolve,
            stop: Arc::default(),
            times: RunTimes::default(),
            timed: false,
            watch: None,
            columns: None,
            replaying: false,
        })
    }

    /// Goes on with the values that slots of the same number and size have in another store: those of the parts of a program that ran before.
    pub fn adopt(&mut self, store: Store) {
        self.store.adopt(store);
        self.state_changed();
    }

    /// The values of all slots, with the machine at an end.
    pub fn into_store(self) -> Store {
        self.store
    }

    /// Back to the first instruction, with all slots as they are.
    pub fn rewind(&mut self) {
        self.position = 0;
        self.turns = 0;
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Set it to have a loop of steps return early; the machine can go on afterwards.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Whether the time of compiled graphs is taken from now on, which reads the clock twice a step.
    pub fn take_times(&mut self, timed: bool) {
        self.timed = timed;
    }

    /// Takes the time of each step of the compiled graphs from now on, or no more; what was taken is forgotten.
    pub fn profile(&mut self, profiled: bool) {
        self.space.profile(profiled);
    }

    /// Takes the time of each step of every second run of a compiled graph from now on, until those runs have taken so long together:
    /// what it costs is bounded, and what is computed stays the same.
    pub fn sample(&mut self, limit: Duration) {
        self.space.sample(limit);
    }

    /// What is known of a graph's runs, since [`Machine::sample`].
    pub fn sampled(&self, graph: usize) -> Option<&Sample> {
        self.space.sampled(self.compiled.calls.get(graph)?)
    }

    /// Where the time of a graph's runs went, since [`Machine::profile`].
    pub fn step_times(&self, graph: usize) -> Option<&StepTimes> {
        self.space.times(self.compiled.calls.get(graph)?)
    }

    /// The losses of the training steps that the last [`Event::StepsDone`] told of.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// Has [`Machine::step`] do at most that many turns of a loop of steps, or of batches (at least one).
    pub fn limit_turns(&mut self, turns: u64) {
        self.slice = turns.max(1);
    }

    /// The graph that the next instruction runs, where it runs one.
    pub fn next_graph(&self) -> Option<usize> {
        let instr = self.program.code.get(self.position)?;
        let (Instr::Run(graph) | Instr::RunTimes { graph, .. }) = instr else {
            return None;
        };
        Some(*graph)
    }

    /// The turns done of the loop of steps that the plan is in, and how many it has.
    pub fn turns(&self) -> Option<(u64, u64)> {
        match self.program.code.get(self.position) {
            Some(Instr::RunTimes { times, .. }) => Some((self.turns, *times)),
            _ => None,
        }
    }

    /// The elements of a slot, in the machine's order of bytes.
    pub fn bytes(&self, slot: SlotId) -> &[u8] {
        self.store.bytes(slot.0 as usize)
    }

    /// Where the time went so far.
    pub fn times(&self) -> RunTimes {
        self.times
    }

    /// Whether the plan has ended.
    pub fn is_finished(&self) -> bool {
        self.position >= self.program.code.len()
    }

    /// The value of a slot.
    pub fn value(&self, slot: SlotId) -> Tensor {
        values::tensor(
            &self.program.slot(slot).ty,
            self.store.bytes(slot.0 as usize),
        )
    }

    /// Whether the first instruction has run.
    pub(super) fn has_begun(&self) -> bool {
        self.position > 0 || self.turns > 0
    }

    /// Goes back to before the first instruction.
    pub(super) fn go_to_start(&mut self) -> Result<(), RunError> {
        for slot in 0..self.store.len() {
            self.store.bytes_mut(slot).fill(0);
        }
        self.iterators.fill(None);
        self.progress = Progress::default();
        (self.position, self.turns) = (0, 0);
        write_initial(&mut self.store, &self.program)
    }

    /// Sets a slot, and says whether the value fits it. A field of a data set is only read: nothing fits it.
    pub fn set_value(&mut self, slot: SlotId, value: &Tensor) -> bool {
        self.state_changed();
        let ty = self.ty(slot).clone();
        self.program.slot(slot).field.is_none()
            && ty.shape == value.shape()
            && values::write(
                ty.dtype,
                self.store.bytes_mut(slot.0 as usize),
                value.elements(),
                0,
            )
    }

    /// Runs to the end (or until the stop flag is set), giving every event but [`Event::None`] to `listen`, which says whether to go on.
    ///
    /// # Errors
    /// What stopped the program.
    pub fn run(&mut self, listen: &mut dyn FnMut(&Machine, Event) -> bool) -> Result<(), RunError> {
        let program = self.program.clone();
        let mut event = Event::None;
        while !self.stop.load(Ordering::Relaxed) {
            self.noted.clear();
            self.step_of(&program, &mut event)?;
            match event {
                Event::None => {}
                Event::Finished => return Ok(()),
                _ => {
                    if !listen(self, std::mem::replace(&mut event, Event::None)) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs the next instruction and those after it, to one that has something to say, or for about 50 ms; with turns limited to one, the
    /// next instruction alone.
    ///
    /// # Errors
    /// What stopped the program: an index out of range, an assertion, a file.
    pub fn step(&mut self) -> Result<Event, RunError> {
        let program = self.program.clone();
        let mut event = Event::None;
        self.noted.clear();
        loop {
            let over = self.step_of(&program, &mut event)?;
            if over || !matches!(event, Event::None) || self.slice == 1 {
                return Ok(event);
            }
        }
    }

    /// Runs an instruction of its program that the host takes part in, or those up to the next such one, and says in `event` what it had to
    /// say, if anything. The result is whether a slice of time is over.
    pub(super) fn step_of(
        &mut self,
        program: &Program,
        event: &mut Event,
    ) -> Result<bool, RunError> {
        let instr = program.code.get(self.position);
        if self.watch.is_some()
            && let Some(warning) = self.guard(instr)?
        {
            *event = Event::Warning(warning);
            return Ok(false);
        }
        let Some(instr) = instr else {
            *event = Event::Finished;
            return Ok(false);
        };
        let (mut next, mut over) = (self.position + 1, false);
        match instr {
            Instr::Run(_)
            | Instr::SetInt { .. }
            | Instr::SetFloat { .. }
            | Instr::AddInt { .. }
            | Instr::Jump(_)
            | Instr::JumpIfZero { .. }
            | Instr::JumpIfAtLeast { .. }
            | Instr::Copy { .. }
            | Instr::OpenBatches { .. }
            | Instr::NextBatch { .. }
            | Instr::Accumulate { .. }
            | Instr::Mean { .. }
            | Instr::StepDone { .. } => return self.stretch(program, event),
            Instr::RunTimes { graph, times, turn } => {
                let done = self.run_times(*graph, *times, *turn)?;
                if !done {
                    next = self.position;
                }
                over = !done
                    || self.clock.is_over()
                    || self.noted_enough()
                    || self.stop.load(Ordering::Relaxed);
            }
            Instr::Print(pieces) => {
                if !self.replaying {
                    *event = Event::Line(self.text(pieces));
                }
            }
            Instr::Assert {
                condition,
                message,
                origin,
            } => self.assert(*condition, message, *origin)?,
            Instr::Save {
                entries,
                file,
                origin,
            } => self.save(entries, file, *origin)?,
            Instr::Load {
                entries,
                file,
                origin,
            } => {
                let renamed = self.load(entries, file, *origin)?;
                if let (Some((held, asked)), false) = (renamed, self.replaying) {
                    let message =
                        format!("\"{file}\" holds `{held}`: its weights are loaded into `{asked}`");
                    let warning = Diagnostic::warning("W0601", *origin, message).help(format!(
                        "call it `{held}` here too, or save it as `{asked}`, where that is meant"
                    ));
                    *event = Event::Warning(Box::new(warning));
                }
            }
            Instr::Plot { slot, file, origin } => {
                if !self.replaying {
                    let path = self.path(file, *origin)?;
                    files::plot(&path, &self.value(*slot), *origin)?;
                }
            }
            Instr::EpochBegin {
                epoch,
                epochs,
                steps,
            } => {
                self.progress = Progress {
                    steps: *steps as u64,
                    ..Progress::default()
                };
                self.epoch_start = Instant::now();
                *event = Event::EpochBegin {
                    epoch: self.number(*epoch) as usize,
                    epochs: *epochs,
                    steps: *steps,
                };
            }
            Instr::EpochEnd {
                epoch,
                epochs,
                values,
            } => {
                *event = Event::EpochEnd(Epoch {
                    epoch: self.number(*epoch) as usize,
                    epochs: *epochs,
                    values: values
                        .iter()
                        .map(|(label, slot)| (label.clone(), self.number(*slot)))
                        .collect(),
                    seconds: (self.epoch_start.elapsed() + self.progress.before).as_secs_f64(),
                });
            }
            Instr::Watch {
                value,
                best,
                since,
                larger,
                patience,
                target,
                save,
                origin,
            } => {
                if self.watch(*value, *best, *since, *larger) {
                    if let Some((entries, file)) = save {
                        self.save(entries, file, *origin)?;
                    }
                } else if patience.is_some_and(|most| self.number(*since) >= most as f64) {
                    next = *target;
                }
            }
        }
        self.position = next;
        Ok(over)
    }

    fn ty(&self, slot: SlotId) -> &Type {
        &self.program.slot(slot).ty
    }

    pub(super) fn number(&self, slot: SlotId) -> f64 {
        values::number(self.ty(slot).dtype, self.store.bytes(slot.0 as usize), 0)
    }

    pub(super) fn set(&mut self, slot: SlotId, value: f64) {
        let dtype = self.ty(slot).dtype;
        values::set_number(dtype, self.store.bytes_mut(slot.0 as usize), value);
    }

    /// Counts runs of a graph.
    pub(super) fn count_runs(&mut self, graph: usize, runs: u64) {
        self.times.runs += runs;
        if let Some((updates, all)) = self.graphs.get_mut(graph) {
            *all += runs;
            self.times.updates += if *updates { runs } else { 0 };
        }
    }

    /// Printed tensors keep to the columns of a terminal from now on, or to those of a file.
    pub fn print_within(&mut self, columns: Option<usize>) {
        self.columns = columns;
    }

    /// How often each graph ran.
    pub fn graph_runs(&self) -> Vec<u64> {
        self.graphs.iter().map(|(_, runs)| *runs).collect()
    }

    fn text(&self, pieces: &[Piece]) -> String {
        let mut line = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => line.push_str(text),
                Piece::Value {
                    slot,
                    precision,
                    style,
                    width,
                } => {
                    let style = format::Style {
                        precision: *precision,
                        kind: *style,
                        width: *width,
                    };
                    let value = self.value(*slot);
                    let room = self.columns.map_or_else(format::Room::default, |columns| {
                        format::Room::behind(&line, columns, value.shape().len())
                    });
                    line.push_str(&format::text_within(&value, style, room));
                }
                Piece::Characters { slot, vocabulary } => {
                    line.push_str(&format::characters(&self.value(*slot), vocabulary));
                }
            }
        }
        line
    }

    fn assert(&self, condition: SlotId, message: &[Piece], origin: Span) -> Result<(), RunError> {
        let holds = (0..self.ty(condition).len()).all(|at| {
            let bytes = self.store.bytes(condition.0 as usize);
            values::number(self.ty(condition).dtype, bytes, at) != 0.0
        });
        if holds {
            return Ok(());
        }
        let text = self.text(message);
        Err(RunError::new(
            ASSERTION,
            origin,
            if text.is_empty() {
                "the assertion does not hold".to_string()
            } else {
                format!("the assertion does not hold: {text}")
            },
        ))
    }

    fn path(&self, file: &str, origin: Span) -> Result<PathBuf, RunError> {
        (self.resolve)(file).map_err(|error| RunError::file(origin, error))
    }

    fn save(&self, entries: &[(String, SlotId)], file: &str, origin: Span) -> Result<(), RunError> {
        if self.replaying {
            return Ok(());
        }
        let path = self.path(file, origin)?;
        let tensors: Vec<(String, Tensor)> = entries
            .iter()
            .map(|(name, slot)| (name.clone(), self.value(*slot)))
            .collect();
        files::save(&path, &tensors, origin)
    }

    fn load(
        &mut self,
        entries: &[(String, SlotId)],
        file: &str,
        origin: Span,
    ) -> Result<Option<(String, String)>, RunError> {
        let path = self.path(file, origin)?;
        let wanted: Vec<(String, Type)> = entries
            .iter()
            .map(|(name, slot)| (name.clone(), self.ty(*slot).clone()))
            .collect();
        let loaded = files::load(&path, file, &wanted, origin)?;
        for ((_, slot), tensor) in entries.iter().zip(&loaded.tensors) {
            let dtype = self.ty(*slot).dtype;
            values::write(
                dtype,
                self.store.bytes_mut(slot.0 as usize),
                tensor.elements(),
                0,
            );
        }
        self.state_changed();
        Ok(loaded.renamed)
    }

    /// Notes a value watched, and says whether it is the best so far. NaN never is.
    fn watch(&mut self, value: SlotId, best: SlotId, since: SlotId, larger: bool) -> bool {
        let (now, before) = (self.number(value), self.number(best));
        let better = if larger { now > before } else { now < before };
        if better {
            self.set(best, now);
            self.set(since, 0.0);
        } else {
            let count = self.number(since) + 1.0;
            self.set(since, count);
        }
        better
    }
}

/// Writes the values that slots have before the first instruction.
fn write_initial(store: &mut Store, program: &Program) -> Result<(), RunError> {
    for (at, slot) in program.slots.iter().enumerate() {
        let Some(initial) = &slot.initial else {
            continue;
        };
        if initial.shape() != slot.ty.shape
            || !values::write(slot.ty.dtype, store.bytes_mut(at), initial.elements(), 0)
        {
            let why = format!("the initial value of \"{}\" is {}", slot.name, initial.ty());
            return Err(RunError::fault("check", Span::default(), why));
        }
    }
    Ok(())
}

/// Lets a slot be a field of a data set, in place.
pub(super) fn lend(
    store: &mut Store,
    program: &Program,
    slot: usize,
    field: &Field,
) -> Result<(), RunError> {
    let fault = || no_field(field.data, &field.part, &field.name);
    let fits = program
        .field(field)
        .is_some_and(|tensor| tensor.ty() == program.slots[slot].ty);
    let table = program
        .data
        .get(field.data)
        .and_then(|set| set.part(&field.part));
    match table {
        Some(table) if fits && store.lend(slot, table, &field.name) => Ok(()),
        Some(_) | None => Err(fault()),
    }
}
