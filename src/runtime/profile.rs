//! Where the time of a schedule's runs goes, step by step.
use super::execute::{CheckFailure, Executable, Frame, Memory};
use crate::kir::schedule::{Schedule, Step};
use std::time::{Duration, Instant};

/// Times of the steps of one schedule, summed over its runs. A step's number counts the steps of all loop bodies in the order in which
/// they are listed, a loop before its body; members of a group have none of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTimes {
    /// Time of each step. A loop's own includes its body's.
    pub steps: Vec<Duration>,
    /// Time of whole runs.
    pub total: Duration,
    /// How many runs.
    pub runs: u64,
}

impl StepTimes {
    /// No time yet.
    pub fn new(schedule: &Schedule) -> StepTimes {
        StepTimes {
            steps: vec![Duration::ZERO; count(&schedule.steps)],
            total: Duration::ZERO,
            runs: 0,
        }
    }

    /// Runs the schedule once, taking the time of each step.
    ///
    /// # Safety
    /// As for [`Executable::run`].
    pub(super) unsafe fn run(
        &mut self,
        executable: &Executable,
        memory: &Memory<'_>,
    ) -> Result<(), CheckFailure> {
        let start = Instant::now();
        let steps = &executable.schedule().steps;
        // SAFETY: the caller's contract, for the whole schedule outside all loops.
        let result = unsafe { self.walk(executable, steps, memory, Frame::outermost(), &mut 0, 0) };
        self.total += start.elapsed();
        self.runs += 1;
        result
    }

    /// Runs steps as [`Executable::steps`] does, taking the time of each; the first one has number `first`.
    ///
    /// # Safety
    /// As for [`Executable::steps`].
    unsafe fn walk(
        &mut self,
        executable: &Executable,
        steps: &[Step],
        memory: &Memory<'_>,
        frame: Frame,
        products: &mut usize,
        first: usize,
    ) -> Result<(), CheckFailure> {
        let mut number = first;
        for step in steps {
            let start = Instant::now();
            // SAFETY: the caller's contract, for the step whose turn it is; `turns` gives each turn its frame.
            unsafe {
                if let Step::Loop {
                    length,
                    reverse,
                    body,
                    ..
                } = step
                {
                    let whole = (*length, *reverse, body.as_slice());
                    executable.turns(whole, memory, frame, products, &mut |frame, products| {
                        self.walk(executable, body, memory, frame, products, number + 1)
                    })?;
                } else {
                    executable.steps(std::slice::from_ref(step), memory, frame, products)?;
                }
            }
            self.steps[number] += start.elapsed();
            number += count(std::slice::from_ref(step));
        }
        Ok(())
    }
}

/// What is known of the runs of one executable: the times of its steps, from all its runs or from a part of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Runs timed step by step.
    pub steps: StepTimes,
    /// Time of runs timed as wholes, to compare.
    pub whole: Duration,
    /// The slowest of them, which something else may have interrupted.
    pub slowest: Duration,
    /// How many those were.
    pub whole_runs: u64,
    /// All runs, timed or not.
    pub runs: u64,
}

/// How a run is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// Not at all.
    Plain,
    /// As a whole.
    Whole,
    /// Step by step.
    Steps,
}

impl Sample {
    /// No run yet.
    pub fn new(schedule: &Schedule) -> Sample {
        Sample {
            steps: StepTimes::new(schedule),
            whole: Duration::ZERO,
            slowest: Duration::ZERO,
            whole_runs: 0,
            runs: 0,
        }
    }

    /// Counts a run, and says how it is to be timed: each step by step where there is no limit, else in turn with whole runs, until
    /// those timed step by step have taken so long. A first run, which finds no memory in the caches, is not timed then.
    pub(super) fn next(&mut self, limit: Option<Duration>) -> Timing {
        self.runs += 1;
        match limit {
            None => Timing::Steps,
            Some(limit) if self.runs == 1 || self.steps.total >= limit => Timing::Plain,
            Some(_) if self.runs.is_multiple_of(2) => Timing::Steps,
            Some(_) => Timing::Whole,
        }
    }

    /// Takes note of a run timed as a whole.
    pub(super) fn note(&mut self, time: Duration) {
        self.whole += time;
        self.slowest = self.slowest.max(time);
        self.whole_runs += 1;
    }

    /// Seconds of an ordinary run, as far as it is known: of several the slowest does not count.
    pub fn seconds(&self) -> Option<f64> {
        let mean = |time: Duration, runs: u64| (runs > 0).then(|| time.as_secs_f64() / runs as f64);
        let (whole, runs) = match self.whole_runs {
            several @ 3.. => (self.whole - self.slowest, several - 1),
            few => (self.whole, few),
        };
        mean(whole, runs).or_else(|| mean(self.steps.total, self.steps.runs))
    }
}

/// Steps, with those of loop bodies.
pub fn count(steps: &[Step]) -> usize {
    let of = |step: &Step| match step {
        Step::Loop { body, .. } => 1 + count(body),
        Step::Kernel { .. }
        | Step::Group { .. }
        | Step::Product { .. }
        | Step::Zero { .. }
        | Step::Copy { .. }
        | Step::Turn { .. } => 1,
    };
    steps.iter().map(of).sum()
}
