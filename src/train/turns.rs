//! Turns of a loop of steps, many in one go.
//!
//! A step of a small model is a microsecond or two. The host would take a third of that again if it were asked after each whether to go
//! on, so that two kinds of loops run on until about 50 ms have passed: a graph repeated with nothing between, and the batches of an
//! epoch where the host only notes the loss. Both can be cut after any turn: what is computed does not depend on where.
use super::machine::{Event, Machine};
use super::refused::{no_graph, no_iterator, out_of_range_in};
use super::{RunError, values};
use crate::base::types::DType;
use crate::check::program::{Instr, Program, SlotId};
use crate::runtime::Runs;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a loop of steps runs before the host is asked whether to go on.
const SLICE: Duration = Duration::from_millis(50);

/// Training steps whose losses are kept for the host: more are not done in one go.
pub(super) const MOST_LOSSES: usize = 1024;

/// When to ask the host. The clock is read so seldom that it takes no time, and so often that a slice ends when it should; a loop that is
/// entered again, as that of an epoch's batches is in each epoch, goes on with the pace that it had.
#[derive(Debug)]
pub(super) struct Slice {
    /// The instruction that it counts the turns of.
    head: usize,
    /// The last look at the clock, and the time between looks since the host was asked.
    looked: Instant,
    spent: Duration,
    /// Turns from one look at the clock to the next, at most, and those left until it.
    stride: u64,
    most: u64,
    left: u64,
}

impl Slice {
    /// A clock that is read at least once in `most` turns.
    pub(super) fn new(most: u64) -> Slice {
        Slice {
            most,
            head: usize::MAX,
            looked: Instant::now(),
            spent: Duration::ZERO,
            stride: 1,
            left: 1,
        }
    }

    /// The turns of the loop at `head` begin or go on.
    fn enter(&mut self, head: usize) {
        if self.head != head {
            *self = Slice {
                head,
                ..Slice::new(self.most)
            };
        }
    }

    /// Notes a turn, and says whether the slice is over.
    #[inline]
    pub(super) fn is_over(&mut self) -> bool {
        self.left -= 1;
        self.left == 0 && self.look()
    }

    /// Notes so many turns, at most those left until the clock is read, and says whether the slice is over.
    fn are_over(&mut self, turns: u64) -> bool {
        self.left -= turns.min(self.left);
        self.left == 0 && self.look()
    }

    fn look(&mut self) -> bool {
        let now = Instant::now();
        let elapsed = now - std::mem::replace(&mut self.looked, now);
        if elapsed < SLICE / 16 {
            self.stride = self.stride.saturating_mul(2).min(self.most);
        } else if elapsed > SLICE / 4 {
            self.stride = (self.stride / 4).max(1);
        }
        self.left = self.stride;
        self.spent += elapsed;
        let over = self.spent >= SLICE;
        if over {
            self.spent = Duration::ZERO;
        }
        over
    }
}

/// The loops over batches of a program in which the host has nothing to say: graphs run, values are summed, the step is noted, a turn is
/// counted, and it goes back. By the position of their `NextBatch`.
pub(super) fn batch_loops(program: &Program) -> FxHashMap<usize, Arc<BatchLoop>> {
    let heads = program.code.iter().enumerate();
    let loops =
        heads.filter_map(|(head, instr)| Some((head, BatchLoop::at(program, head, instr)?)));
    loops.map(|(head, found)| (head, Arc::new(found))).collect()
}

/// One of them.
#[derive(Debug)]
pub(super) struct BatchLoop {
    iterator: usize,
    /// Rows of a batch.
    size: usize,
    /// Where their positions go, and copies of their fields.
    rows: Option<SlotId>,
    fields: Vec<(String, SlotId)>,
    /// What is done with each batch, in order.
    body: Vec<Part>,
    /// Where it goes on when no batch is left.
    otherwise: usize,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Run(usize),
    /// `into += weight · value`
    Add {
        into: Number,
        value: Number,
        weight: f64,
    },
    /// A training step of that loss is done.
    Done(Number),
    Count {
        slot: Number,
        by: i32,
    },
}

/// A slot that holds a number.
#[derive(Debug, Clone, Copy)]
struct Number {
    slot: usize,
    dtype: DType,
}

impl Number {
    fn of(program: &Program, slot: SlotId) -> Number {
        Number {
            slot: slot.0 as usize,
            dtype: program.slot(slot).ty.dtype,
        }
    }

    fn id(self) -> SlotId {
        SlotId(self.slot as u32)
    }

    #[inline]
    fn get(self, runs: &Runs<'_>) -> f64 {
        values::number(self.dtype, runs.bytes(self.slot), 0)
    }

    #[inline]
    fn set(self, runs: &mut Runs<'_>, value: f64) {
        values::set_number(self.dtype, runs.bytes_mut(self.slot), value);
    }
}

impl BatchLoop {
    fn at(program: &Program, head: usize, instr: &Instr) -> Option<BatchLoop> {
        let Instr::NextBatch {
            iterator,
            size,
            rows,
            fields,
            otherwise,
        } = instr
        else {
            return None;
        };
        let number = |slot: &SlotId| Number::of(program, *slot);
        let mut body = Vec::new();
        for instr in program.code.get(head + 1..)? {
            body.push(match instr {
                Instr::Run(graph) => Part::Run(*graph),
                Instr::Accumulate {
                    into,
                    value,
                    weight,
                } => Part::Add {
                    into: number(into),
                    value: number(value),
                    weight: *weight,
                },
                Instr::StepDone { loss } => Part::Done(number(loss)),
                Instr::AddInt { slot, value } => Part::Count {
                    slot: number(slot),
                    by: *value,
                },
                Instr::Jump(to) if *to == head => {
                    return Some(BatchLoop {
                        iterator: *iterator,
                        size: *size,
                        rows: *rows,
                        fields: fields.clone(),
                        body,
                        otherwise: *otherwise,
                    });
                }
                _ => return None,
            });
        }
        None
    }
}

impl Machine {
    /// Runs turns of a loop of steps for a slice of time, and says whether all are done.
    pub(super) fn run_times(
        &mut self,
        graph: usize,
        times: u64,
        turn: SlotId,
    ) -> Result<bool, RunError> {
        let call = self.compiled.calls.get(graph);
        let call = call.ok_or_else(|| no_graph(graph))?;
        let dtype = self.program.slot(turn).ty.dtype;
        let losses = self.watched_losses(graph);
        self.turn_clock.enter(self.position);
        let start = self.timed.then(Instant::now);
        let (first, mut result) = (self.turns, Ok(()));
        let most = times.min(self.turns.saturating_add(self.slice));
        while self.turns < most {
            let end = most.min(self.turns.saturating_add(self.turn_clock.left));
            let before = self.turns;
            let done = call.run_turns(
                &mut self.store,
                &mut self.space,
                (before as i64, end as i64),
            );
            match done {
                Some(done) => self.turns = done as u64,
                None => self.turns += 1,
            }
            let bytes = self.store.bytes_mut(turn.0 as usize);
            values::set_number(dtype, bytes, (self.turns - 1) as f64);
            if done.is_none() {
                result = call.run(&mut self.store, &mut self.space);
            }
            if result.is_err()
                || losses.iter().any(|&slot| !self.is_finite(slot))
                || self.turn_clock.are_over(self.turns - before)
                || self.stop.load(Ordering::Relaxed)
            {
                break;
            }
        }
        self.times.steps += self.turns - first;
        if let Some(start) = start {
            self.times.graphs += start.elapsed();
        }
        let result = result.map_err(|failure| out_of_range_in(call, failure, &self.program, graph));
        self.count_runs(graph, self.turns - first);
        result?;
        self.has_run(graph);
        let done = self.turns >= times;
        if done {
            self.turns = 0;
        }
        Ok(done)
    }

    /// Runs a loop over batches, at whose head the machine is, for a slice of time; says where it goes on.
    pub(super) fn run_batches(
        &mut self,
        of: &BatchLoop,
        event: &mut Event,
    ) -> Result<usize, RunError> {
        self.losses.clear();
        self.turn_clock.enter(self.position);
        if let ([Part::Run(graph), notes @ ..], false) = (&of.body[..], self.timed)
            && let Some(next) = self.run_batches_alone(of, *graph, notes, event)?
        {
            return Ok(next);
        }
        let head = self.position;
        let most = self.slice.min(MOST_LOSSES as u64);
        for _ in 0..most {
            if !self.next_batch(of.iterator, of.size, of.rows, &of.fields)? {
                return Ok(of.otherwise);
            }
            for (at, part) in (head + 1..).zip(&of.body) {
                self.position = at;
                match *part {
                    Part::Run(graph) => {
                        self.run_graph(graph)?;
                        if self.is_bad() {
                            return Ok(at + 1);
                        }
                    }
                    Part::Add {
                        into,
                        value,
                        weight,
                    } => self.accumulate(into.id(), value.id(), weight),
                    Part::Done(loss) => *event = self.step_done(loss.id()),
                    Part::Count { slot, by } => self.count(slot.id(), by),
                }
            }
            self.position = head;
            if self.turn_clock.is_over() || self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(head)
    }

    /// The same where a batch is one run of a graph and some notes, and one thread does it: nothing is looked up between two runs. `None`
    /// where that does not hold.
    fn run_batches_alone(
        &mut self,
        of: &BatchLoop,
        graph: usize,
        notes: &[Part],
        event: &mut Event,
    ) -> Result<Option<usize>, RunError> {
        let (head, program) = (self.position, self.program.clone());
        let watched = self.watched_losses(graph);
        let watched: SmallVec<[Number; 2]> = watched
            .iter()
            .map(|slot| Number::of(&program, *slot))
            .collect();
        let compiled = self.compiled.clone();
        let call = compiled.calls.get(graph).ok_or_else(|| no_graph(graph))?;
        let Some(mut runs) = call.runs(&mut self.store, &mut self.space) else {
            return Ok(None);
        };
        let batches = self.iterators.get_mut(of.iterator);
        let batches = batches.and_then(Option::as_mut);
        let batches = batches.ok_or_else(|| no_iterator(of.iterator))?;
        let mut result = Ok(());
        let mut next = head;
        let (mut done, mut steps) = (0, 0);
        let most = self.slice.min(MOST_LOSSES as u64);
        while done < most {
            let Some(rows) = batches.next(of.size) else {
                next = of.otherwise;
                break;
            };
            if let Some(slot) = of.rows {
                rows.positions(runs.bytes_mut(slot.0 as usize));
            }
            for (field, slot) in &of.fields {
                let dtype = program.slot(*slot).ty.dtype;
                rows.copy(field, dtype, runs.bytes_mut(slot.0 as usize), of.size)?;
            }
            result = runs.run();
            done += 1;
            // A loss is one number.
            let finite = |loss: &Number| loss.get(&runs).is_finite();
            if result.is_err() || !watched.iter().all(finite) {
                self.position = head + 1;
                next = head + 2;
                break;
            }
            for note in notes {
                match *note {
                    Part::Add {
                        into,
                        value,
                        weight,
                    } => {
                        let sum = into.get(&runs) + value.get(&runs) * weight;
                        into.set(&mut runs, sum);
                    }
                    Part::Done(loss) => {
                        self.losses.push(loss.get(&runs));
                        steps += 1;
                    }
                    Part::Count { slot, by } => {
                        let sum = (slot.get(&runs) as i32).wrapping_add(by);
                        slot.set(&mut runs, f64::from(sum));
                    }
                    Part::Run(_) => {}
                }
            }
            if self.turn_clock.is_over() || self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        if steps > 0 {
            *event = self.steps_done(steps);
        }
        let result = result.map_err(|failure| out_of_range_in(call, failure, &program, graph));
        if done > 0 {
            self.count_runs(graph, done);
            result?;
            self.has_run(graph);
        }
        Ok(Some(next))
    }
}
