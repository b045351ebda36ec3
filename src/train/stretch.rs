//! Stretches of the plan in which the host has nothing to say: graphs run, numbers are noted, batches follow each other.
//!
//! A step of a small model is a microsecond, and what a plan does around it is some ten instructions. So those that need nothing but slots
//! are prepared once: where their numbers lie and which memory their graphs work on is known before the first is done, and one after the
//! other takes a nanosecond or two. A stretch ends before an instruction that the host takes part in (an epoch's report, a line of output,
//! a file), after about 50 ms, and where it is told to stop; the machine's state is then that of any other place of the plan.
use super::losses::Noted;
use super::machine::{Event, Machine};
use super::refused::{no_graph, out_of_range_in};
use super::turns::SLICE;
use super::watch::updated;
use super::{RunError, batches};
use crate::base::source::Span;
use crate::check::program::{Instr, Program, SlotId};
use crate::runtime::{Beat, BeatCells, BeatsEnd, Cell, Store, Tie, Wiring};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Training steps whose losses are kept for the host: more are not done in one go.
pub(super) const MOST_LOSSES: usize = 1024;

/// Instructions of a plan made ready for one store and one space.
pub(super) struct Prepared {
    wiring: Wiring,
    /// One for each instruction.
    ops: Vec<Op>,
    graphs: Vec<Ready>,
    beats: Vec<Batched>,
}

/// A loop over batches that is runs of one graph and what is noted of them.
struct Batched {
    beat: Beat,
    graph: usize,
    iterator: usize,
    /// Rows of a batch.
    size: usize,
}

/// An instruction with its numbers' places.
#[derive(Debug, Clone, Copy)]
enum Op {
    /// The host takes part in it.
    Host,
    Run(usize),
    Set {
        cell: Cell,
        value: f64,
    },
    Count {
        cell: Cell,
        by: i32,
    },
    Jump(usize),
    JumpIfZero {
        cell: Cell,
        target: usize,
    },
    JumpIfAtLeast {
        cell: Cell,
        limit: i32,
        target: usize,
    },
    Copy {
        from: SlotId,
        to: SlotId,
    },
    /// What else it says stands in the plan.
    Open {
        epoch: Cell,
    },
    Next,
    /// The same at the head of a loop of beats.
    Beats(usize),
    /// `into += weight · value`
    Add {
        into: Cell,
        value: Cell,
        weight: f64,
    },
    Mean {
        into: Cell,
        sum: Cell,
        weight: f64,
    },
    Done(Cell),
}

/// A graph that is ready to run.
#[derive(Debug)]
struct Ready {
    tie: Tie,
    /// The losses that it leaves in slots.
    losses: SmallVec<[Cell; 1]>,
    /// Those of the objectives that the program minimizes itself, by their numbers.
    by_hand: SmallVec<[(usize, Cell); 1]>,
    /// Whether it writes parameters that some graph updates.
    writes: bool,
}

impl Prepared {
    fn new(machine: &mut Machine) -> Result<Prepared, RunError> {
        let program = machine.program.clone();
        let (store, space) = (&mut machine.store, &mut machine.space);
        let mut wiring = Wiring::new(store, space);
        let ties = wiring.tie(machine.compiled.calls.iter(), store, space);
        let mut cell = |slot: SlotId| {
            let data = program.slot(slot);
            let found = wiring.cell(store, slot.0 as usize, data.ty.dtype);
            found.ok_or_else(|| {
                let why = format!("\"{}\" is no number of its own", data.name);
                RunError::fault("check", Span::default(), why)
            })
        };
        let ops = program.code.iter().map(|instr| Op::new(instr, &mut cell));
        let ops = ops.collect::<Result<Vec<Op>, RunError>>()?;
        let all = program.graphs.iter();
        let updated: FxHashSet<SlotId> = all.flat_map(|step| updated(&program, step)).collect();
        let mut graphs = Vec::with_capacity(ties.len());
        for ((step, tie), by_hand) in program.graphs.iter().zip(ties).zip(&machine.by_hand) {
            let losses = step
                .objectives
                .iter()
                .filter_map(|objective| objective.slot);
            graphs.push(Ready {
                tie,
                losses: losses.map(&mut cell).collect::<Result<_, RunError>>()?,
                by_hand: by_hand
                    .iter()
                    .map(|&(at, slot)| Ok((at, cell(slot)?)))
                    .collect::<Result<_, RunError>>()?,
                writes: step.outputs.iter().any(|slot| updated.contains(slot)),
            });
        }
        let mut prepared = Prepared {
            wiring,
            ops,
            graphs,
            beats: Vec::new(),
        };
        for (head, instr) in program.code.iter().enumerate() {
            if let Some(found) = prepared.batched(&program, (head, instr), store) {
                prepared.ops[head] = Op::Beats(prepared.beats.len());
                prepared.beats.push(found);
            }
        }
        Ok(prepared)
    }

    /// The loop of beats with that head, where it is one.
    fn batched(
        &self,
        program: &Program,
        (head, instr): (usize, &Instr),
        store: &mut Store,
    ) -> Option<Batched> {
        let Instr::NextBatch {
            iterator,
            size,
            rows: Some(rows),
            fields,
            ..
        } = instr
        else {
            return None;
        };
        let Some(Op::Run(graph)) = self.ops.get(head + 1) else {
            return None;
        };
        let ready = self.graphs.get(*graph)?;
        let (mut adds, mut counts, mut loss) = (Vec::new(), Vec::new(), None);
        let mut noted = None;
        for (op, instr) in self.ops.iter().zip(&program.code).skip(head + 2) {
            match *op {
                Op::Add {
                    into,
                    value,
                    weight,
                } => adds.push((into, value, weight)),
                Op::Count { cell, by } => counts.push((cell, by)),
                Op::Done(cell) if loss.is_none() => {
                    loss = Some(cell);
                    if let Instr::StepDone { loss } = instr {
                        noted = Some(*loss);
                    }
                }
                Op::Jump(to) if to == head => break,
                _ => return None,
            }
        }
        let cells = BeatCells {
            tie: ready.tie,
            rows: (rows.0 as usize, *size),
            adds,
            counts,
            loss: loss?,
        };
        // Another loss that is watched would have to be looked at too.
        let mut losses = program.graphs.get(*graph)?.objectives.iter();
        let same = losses.all(|objective| objective.slot.is_none_or(|slot| Some(slot) == noted));
        if !fields.is_empty() || !same {
            return None;
        }
        Some(Batched {
            beat: self.wiring.beat(store, &cells)?,
            graph: *graph,
            iterator: *iterator,
            size: *size,
        })
    }
}

impl Op {
    fn new(
        instr: &Instr,
        cell: &mut impl FnMut(SlotId) -> Result<Cell, RunError>,
    ) -> Result<Op, RunError> {
        Ok(match instr {
            Instr::Run(graph) => Op::Run(*graph),
            Instr::SetInt { slot, value } => Op::Set {
                cell: cell(*slot)?,
                value: f64::from(*value),
            },
            Instr::SetFloat { slot, value } => Op::Set {
                cell: cell(*slot)?,
                value: *value,
            },
            Instr::AddInt { slot, value } => Op::Count {
                cell: cell(*slot)?,
                by: *value,
            },
            Instr::Jump(target) => Op::Jump(*target),
            Instr::JumpIfZero { slot, target } => Op::JumpIfZero {
                cell: cell(*slot)?,
                target: *target,
            },
            Instr::JumpIfAtLeast {
                slot,
                limit,
                target,
            } => Op::JumpIfAtLeast {
                cell: cell(*slot)?,
                limit: *limit,
                target: *target,
            },
            Instr::Copy { from, to } => Op::Copy {
                from: *from,
                to: *to,
            },
            Instr::OpenBatches { epoch, .. } => Op::Open {
                epoch: cell(*epoch)?,
            },
            Instr::NextBatch { .. } => Op::Next,
            Instr::Accumulate {
                into,
                value,
                weight,
            } => Op::Add {
                into: cell(*into)?,
                value: cell(*value)?,
                weight: *weight,
            },
            Instr::Mean { into, sum, weight } => Op::Mean {
                into: cell(*into)?,
                sum: cell(*sum)?,
                weight: *weight,
            },
            Instr::StepDone { loss } => Op::Done(cell(*loss)?),
            Instr::RunTimes { .. }
            | Instr::Print(_)
            | Instr::Assert { .. }
            | Instr::Save { .. }
            | Instr::Load { .. }
            | Instr::Plot { .. }
            | Instr::EpochBegin { .. }
            | Instr::EpochEnd { .. }
            | Instr::Watch { .. } => Op::Host,
        })
    }
}

/// When to ask the host. The clock is read so seldom that it takes no time, and so often that a slice ends when it should: each graph, whose
/// runs take their own time, has its share of the way from one look at the clock to the next.
#[derive(Debug)]
pub(super) struct Meter {
    looked: Instant,
    spent: Duration,
    way: u64,
    /// For each graph: its share, and whether it ran since the last look.
    shares: Vec<(u64, bool)>,
}

/// The way from one look at the clock to the next.
const WAY: u64 = 1 << 40;
/// What going back in the plan takes of it.
const BACK: u64 = WAY >> 20;

impl Meter {
    pub(super) fn new(graphs: usize) -> Meter {
        Meter {
            looked: Instant::now(),
            spent: Duration::ZERO,
            way: 0,
            shares: vec![(WAY, false); graphs],
        }
    }

    /// Runs of a graph until the clock is read, at least one.
    fn left(&self, graph: usize) -> u64 {
        let share = self.shares.get(graph).map_or(WAY, |(share, _)| *share);
        (WAY.saturating_sub(self.way) / share.max(1)).max(1)
    }

    /// Notes runs of a graph, and says whether the slice is over.
    #[inline]
    fn is_over_with(&mut self, graph: usize, runs: u64) -> bool {
        let Some((share, ran)) = self.shares.get_mut(graph) else {
            return true;
        };
        *ran |= runs > 0;
        self.way = self.way.saturating_add(runs.saturating_mul(*share));
        self.way >= WAY && self.look()
    }

    #[inline]
    fn is_over_going_back(&mut self) -> bool {
        self.way += BACK;
        self.way >= WAY && self.look()
    }

    fn look(&mut self) -> bool {
        let now = Instant::now();
        let elapsed = now - std::mem::replace(&mut self.looked, now);
        for (share, ran) in &mut self.shares {
            if std::mem::take(ran) {
                if elapsed < SLICE / 16 {
                    *share = (*share / 2).max(1);
                } else if elapsed > SLICE / 4 {
                    *share = (4 * *share).min(WAY);
                }
            }
        }
        self.way = 0;
        self.spent += elapsed;
        let over = self.spent >= SLICE;
        if over {
            self.spent = Duration::ZERO;
        }
        over
    }
}

impl Machine {
    /// Goes on to the next instruction that the host takes part in, or until a slice of time is over, which it says. In `event` is what is
    /// to be told of the steps done. With turns limited to one, a single instruction is done.
    pub(super) fn stretch(
        &mut self,
        program: &Program,
        event: &mut Event,
    ) -> Result<bool, RunError> {
        let prepared = self.prepared.take();
        let holds = |prepared: &Prepared| prepared.wiring.holds(&self.store, &self.space);
        let prepared = match prepared.filter(|prepared| holds(prepared)) {
            Some(prepared) => prepared,
            None => Box::new(Prepared::new(self)?),
        };
        let result = self.go(program, &prepared, event);
        self.prepared = Some(prepared);
        result
    }

    fn go(
        &mut self,
        program: &Program,
        prepared: &Prepared,
        event: &mut Event,
    ) -> Result<bool, RunError> {
        let (single, notes) = (self.slice == 1, self.notes());
        let Some(mut runs) = prepared.wiring.runs(&mut self.store, &mut self.space) else {
            return Ok(false);
        };
        self.losses.clear();
        let (mut at, mut taken, mut over) = (self.position, 0, false);
        let (watched, mut unseen, mut lost) = (self.watch.is_some(), false, None);
        let mut failed: Option<Box<RunError>> = None;
        // The loop of beats that was just gone through.
        let mut spent = usize::MAX;
        while let Some(op) = prepared.ops.get(at) {
            let mut next = at + 1;
            match *op {
                Op::Host => break,
                Op::Run(_) if over => break,
                Op::Run(_) if notes && self.noted.len() >= MOST_LOSSES => {
                    over = true;
                    break;
                }
                Op::Run(graph) => {
                    let call = self.compiled.calls.get(graph);
                    let ready = prepared.graphs.get(graph);
                    let Some((call, ready)) = call.zip(ready) else {
                        failed = Some(Box::new(no_graph(graph)));
                        break;
                    };
                    let start = self.timed.then(Instant::now);
                    let ran = runs.run(call, ready.tie);
                    if let Some(start) = start {
                        self.times.graphs += start.elapsed();
                    }
                    self.times.runs += 1;
                    if let Some((updates, all)) = self.graphs.get_mut(graph) {
                        *all += 1;
                        self.times.updates += u64::from(*updates);
                    }
                    if let Err(failure) = ran {
                        let error = out_of_range_in(call, failure, program, graph);
                        failed = Some(Box::new(error));
                        break;
                    }
                    unseen |= ready.writes;
                    if notes && ready.writes {
                        let noted = ready.by_hand.iter().map(|&(objective, loss)| Noted {
                            graph,
                            objective,
                            updates: self.times.updates,
                            loss: runs.number(loss),
                        });
                        self.noted.extend(noted);
                    }
                    let finite = |loss: &Cell| runs.number(*loss).is_finite();
                    if watched && !ready.losses.iter().all(finite) {
                        lost = Some(graph);
                    }
                    // What is noted of a run belongs to it: the stretch ends before the next.
                    over = self.meter.is_over_with(graph, 1) || self.stop.load(Ordering::Relaxed);
                    if lost.is_some() {
                        at = next;
                        break;
                    }
                }
                Op::Set { cell, value } => runs.set(cell, value),
                Op::Count { cell, by } => runs.count(cell, by),
                Op::Jump(target) => {
                    next = target;
                    if next <= at && (over || self.meter.is_over_going_back()) {
                        (at, over) = (next, true);
                        break;
                    }
                }
                Op::JumpIfZero { cell, target } => {
                    if runs.number(cell) == 0.0 {
                        next = target;
                    }
                }
                Op::JumpIfAtLeast {
                    cell,
                    limit,
                    target,
                } => {
                    if runs.number(cell) >= f64::from(limit) {
                        next = target;
                    }
                }
                Op::Copy { from, to } => runs.copy(from.0 as usize, to.0 as usize),
                Op::Open { epoch } => {
                    let epoch = runs.number(epoch) as u64;
                    let opened =
                        batches::open(&program.code[at], program, epoch, &mut self.iterators);
                    if let Err(error) = opened {
                        failed = Some(Box::new(error));
                        break;
                    }
                }
                // A step may have been begun before.
                Op::Next | Op::Beats(_) if over => break,
                Op::Next | Op::Beats(_) if taken.max(self.losses.len() as u64) >= self.slice => {
                    over = true;
                    break;
                }
                Op::Beats(number) if !single && !self.timed && number != spent => {
                    let of = &prepared.beats[number];
                    let most = (self.slice - taken.max(self.losses.len() as u64))
                        .min(MOST_LOSSES as u64 - self.losses.len() as u64)
                        .min(self.meter.left(of.graph));
                    let walk = self.iterators.get_mut(of.iterator);
                    let walk = walk.and_then(Option::as_mut);
                    let left = walk.as_ref().and_then(|walk| walk.left()).unwrap_or(&[]);
                    let rows = left.len().min(most as usize * of.size);
                    let (done, end) =
                        runs.beats(&of.beat, &left[..rows], watched, &mut self.losses);
                    if let Some(walk) = walk {
                        walk.walk.position += done * of.size;
                    }
                    taken += done as u64;
                    self.times.runs += done as u64;
                    if let Some((updates, all)) = self.graphs.get_mut(of.graph) {
                        *all += done as u64;
                        self.times.updates += if *updates { done as u64 } else { 0 };
                    }
                    unseen |= done > 0 && prepared.graphs[of.graph].writes;
                    over = self.meter.is_over_with(of.graph, done as u64)
                        || self.stop.load(Ordering::Relaxed);
                    match end {
                        // What is left, or that nothing is, is for the plain instruction.
                        BeatsEnd::Whole => (next, spent) = (at, number),
                        BeatsEnd::NotFinite => {
                            lost = Some(of.graph);
                            at = next + 1;
                            break;
                        }
                        BeatsEnd::Failed(failure) => {
                            at = next;
                            if let Some(call) = self.compiled.calls.get(of.graph) {
                                let error = out_of_range_in(call, failure, program, of.graph);
                                failed = Some(Box::new(error));
                            }
                            break;
                        }
                    }
                }
                Op::Next | Op::Beats(_) => {
                    spent = usize::MAX;
                    match batches::take(&program.code[at], program, &mut self.iterators, &mut runs)
                    {
                        Ok(None) => taken += 1,
                        Ok(Some(otherwise)) => next = otherwise,
                        Err(error) => {
                            failed = Some(Box::new(error));
                            break;
                        }
                    }
                }
                Op::Add {
                    into,
                    value,
                    weight,
                } => runs.add(into, value, weight),
                Op::Mean { into, sum, weight } => runs.set(into, runs.number(sum) / weight),
                Op::Done(_) if self.losses.len() == MOST_LOSSES => break,
                Op::Done(loss) => self.losses.push(runs.number(loss)),
            }
            at = next;
            if single {
                break;
            }
        }
        self.position = at;
        if let Some(watch) = &mut self.watch {
            watch.unseen |= unseen;
        }
        if let Some(graph) = lost {
            self.has_run(graph);
        }
        let steps = self.losses.len() as u64;
        if steps > 0 {
            self.progress.step += steps;
            self.times.steps += steps;
            *event = Event::StepsDone {
                step: self.progress.step as usize - 1,
                steps: self.progress.steps as usize,
            };
        }
        match failed {
            Some(error) => Err(*error),
            None => Ok(over),
        }
    }
}
