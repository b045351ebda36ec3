//! Losses of loops by hand: what each `minimize` that is no part of a `train` computed, for those who watch a run.
//!
//! A `minimize` leaves its loss in a slot, where the next run of its graph writes over it. Runs that the host asks for one by one are noted
//! one by one; a loop of steps, whose turns are native code, is cut where its loss is wanted, seldom enough to take no time. What is
//! computed does not depend on where it is cut.
use super::machine::Machine;
use super::stretch::MOST_LOSSES;
use crate::check::program::{Objective, Program, SlotId};
use smallvec::SmallVec;

/// Losses that are noted of a loop of steps, about.
const OF_A_LOOP: u64 = 256;

/// A loss that a `minimize` computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noted {
    /// The graph, as a position in the program's list.
    pub graph: usize,
    /// Which of its objectives.
    pub objective: usize,
    /// Runs of graphs that update parameters, with this one, as [`super::RunTimes::updates`] counts them.
    pub updates: u64,
    /// The objective before the update.
    pub loss: f64,
}

impl Noted {
    /// What was minimized.
    pub fn of(self, program: &Program) -> Option<&Objective> {
        program
            .graphs
            .get(self.graph)?
            .objectives
            .get(self.objective)
    }
}

/// The objectives of a graph that the program minimizes itself, by their numbers, and the slots of their losses.
pub(super) type ByHand = SmallVec<[(usize, SlotId); 1]>;

/// For each graph what the program minimizes itself; `train` tells of its own losses.
pub(super) fn by_hand(program: &Program) -> Vec<ByHand> {
    let of_graph = |objectives: &[Objective]| {
        let numbered = objectives.iter().enumerate();
        let own = numbered.filter(|(_, objective)| objective.by_hand);
        own.filter_map(|(at, objective)| Some((at, objective.slot?)))
            .collect()
    };
    let graphs = program.graphs.iter();
    graphs.map(|step| of_graph(&step.objectives)).collect()
}

/// Which turns of a graph's loops of steps are noted. A loop that is entered again and again goes on with the distance that it had: of
/// all its turns some hundreds are noted, and some more each time that they are many times as many.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// Turns done.
    done: u64,
    /// Those of them at the last note.
    noted: u64,
}

impl Pace {
    /// Turns from one note to the next, in a loop of so many.
    fn stride(self, times: u64) -> u64 {
        times.max(self.done).div_ceil(OF_A_LOOP).max(1)
    }

    /// How many turns to do until the next note, in a loop of `times` turns of which `left` are left.
    pub(super) fn next(self, times: u64, left: u64) -> u64 {
        if self.done == 0 {
            return 1;
        }
        (self.noted + self.stride(times))
            .saturating_sub(self.done)
            .clamp(1, left.max(1))
    }

    /// Takes turns as done, and says whether the last of them is to be noted: at its distance, or as the last of a loop that is a
    /// good part of all.
    pub(super) fn is_due(&mut self, turns: u64, times: u64, ends: bool) -> bool {
        let first = self.done == 0;
        self.done += turns;
        let due = self.done >= self.noted + self.stride(times);
        let last = ends && times.saturating_mul(16) >= self.done;
        let due = first || due || last;
        if due {
            self.noted = self.done;
        }
        due
    }
}

impl Machine {
    /// Has the losses of loops by hand noted from now on, or no more.
    pub fn note_losses(&mut self, noted: bool) {
        self.noting = noted;
    }

    /// The losses of loops by hand in the last [`Machine::step`], in order; of long loops of steps some.
    pub fn noted(&self) -> &[Noted] {
        &self.noted
    }

    /// Whether losses are noted now: steps that are gone through again were noted before.
    pub(super) fn notes(&self) -> bool {
        self.noting && !self.replaying
    }

    /// Whether there is no room for more until the host has seen those that are noted.
    pub(super) fn noted_enough(&self) -> bool {
        self.noted.len() >= MOST_LOSSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns that are noted of a loop of `times` turns that is entered `entries` times.
    fn noted(times: u64, entries: u64) -> Vec<u64> {
        let (mut pace, mut all, mut noted) = (Pace::default(), 0, Vec::new());
        for _ in 0..entries {
            let mut left = times;
            while left > 0 {
                let turns = pace.next(times, left);
                (left, all) = (left - turns, all + turns);
                if pace.is_due(turns, times, left == 0) {
                    noted.push(all);
                }
            }
        }
        noted
    }

    #[test]
    fn the_first_and_the_last_turn_are_noted_and_some_between() {
        for times in [1, 2, 3, 255, 256, 257, 1000, 1_000_000_007] {
            let noted = noted(times, 1);
            assert_eq!((noted[0], noted[noted.len() - 1]), (1, times));
            assert!(
                noted.is_sorted_by(|a, b| a < b) && noted.len() <= 258,
                "{times}"
            );
            assert!(noted.len() as u64 >= times.min(128), "{times}");
        }
    }

    #[test]
    fn a_short_loop_that_is_entered_often_is_noted_seldom() {
        assert_eq!(noted(10, 10).len(), 100);
        for (times, entries) in [(1, 100_000), (50, 20_000), (1000, 1000)] {
            let count = noted(times, entries).len();
            assert!((256..4000).contains(&count), "{times} {entries}: {count}");
        }
    }
}
