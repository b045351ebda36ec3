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
        // SAFETY: the caller's contract.
        let result = unsafe { self.walk(executable, steps, memory, Frame::outermost(), &mut 0, 0) };
        self.total += start.elapsed();
        self.runs += 1;
        result
    }

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
            // SAFETY: the caller's contract.
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
