//! Turns of a graph repeated with nothing between, many in one go: until about 50 ms have passed, since the host would take a third of a
//! small step's time again if it were asked after each whether to go on. It can be cut after any turn: what is computed does not depend
//! on where.
use super::RunError;
use super::losses::Noted;
use super::machine::Machine;
use super::refused::{no_graph, out_of_range_in};
use super::values;
use crate::check::program::SlotId;
use smallvec::SmallVec;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a loop of steps runs before the host is asked whether to go on.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// When to ask the host. The clock is read so seldom that it takes no time, and so often that a slice ends when it should; a loop that is
/// entered again goes on with the pace that it had.
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
        let noted = match self.notes() {
            true => self.by_hand.get(graph).cloned().unwrap_or_default(),
            false => SmallVec::new(),
        };
        self.turn_clock.enter(self.position);
        let start = self.timed.then(Instant::now);
        let (first, mut result) = (self.turns, Ok(()));
        let most = times.min(self.turns.saturating_add(self.slice));
        while self.turns < most {
            let mut end = most.min(self.turns.saturating_add(self.turn_clock.left));
            let mut pace = self.paces.get(graph).copied().unwrap_or_default();
            if !noted.is_empty() {
                end = end.min(self.turns + pace.next(times, times - self.turns));
            }
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
            let lost = losses.iter().any(|&slot| !self.is_finite(slot));
            let due =
                !noted.is_empty() && pace.is_due(self.turns - before, times, self.turns == times);
            if let Some(known) = self.paces.get_mut(graph) {
                *known = pace;
            }
            if (due || lost) && result.is_ok() {
                let updates = self.times.updates + (self.turns - first);
                for &(objective, slot) in &noted {
                    self.noted.push(Noted {
                        graph,
                        objective,
                        updates,
                        loss: self.number(slot),
                    });
                }
            }
            if result.is_err()
                || lost
                || self.turn_clock.are_over(self.turns - before)
                || self.noted_enough()
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
}
