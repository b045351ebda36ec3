//! The shortest loop of training: one call, batch after batch, with its loss noted and its sums kept.
//!
//! Where a step is a microsecond, every look at a table is felt: what the loop touches beside the call is a handful of pointers, found once.
use super::execute::{CheckFailure, Executable, failure};
use super::runs::{Cell, Runs, Solo, Tie};
use crate::kir::STATUS_FINE;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is done with each batch, on one store and one space.
pub struct Beat {
    pub(super) store: u64,
    pub(super) space: u64,
    pub(super) solo: Solo,
    /// Its steps' code.
    pub(super) executable: Arc<Executable>,
    /// The slot for the positions of the rows, and how many a batch has.
    pub(super) rows: *mut u32,
    pub(super) size: usize,
    /// `f64 += weight · f32`, after each run.
    pub(super) adds: SmallVec<[(*mut f64, *const f32, f64); 2]>,
    /// Whole numbers that grow after each run.
    pub(super) counts: SmallVec<[(*mut i32, i32); 1]>,
    /// The loss of the step.
    pub(super) loss: *const f32,
}

// SAFETY: the pointers are used only in `Runs::beats`, as those of a `Wiring` are.
unsafe impl Send for Beat {}
// SAFETY: as above.
unsafe impl Sync for Beat {}

/// The numbers that a [`Beat`] reads and writes.
#[derive(Debug)]
pub struct BeatCells {
    /// The call.
    pub tie: Tie,
    /// The slot for the positions of a batch's rows, and how many there are.
    pub rows: (usize, usize),
    /// Sums, what is added to them and its weight.
    pub adds: Vec<(Cell, Cell, f64)>,
    /// Counters and what they grow by.
    pub counts: Vec<(Cell, i32)>,
    /// The loss.
    pub loss: Cell,
}

/// How a loop of beats ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatsEnd {
    /// All batches are done.
    Whole,
    /// The last run left a loss that is not finite; nothing was noted of it.
    NotFinite,
    /// The last run found an index out of bounds; nothing was noted of it.
    Failed(CheckFailure),
}

impl Runs<'_> {
    /// Runs a beat for each whole batch of these positions of rows, and gives how many runs there were and how they ended; none where it
    /// is of another store or space. Losses go to the end of `losses`. With `finite` the first that is not ends the loop.
    pub fn beats(
        &mut self,
        beat: &Beat,
        positions: &[u32],
        finite: bool,
        losses: &mut Vec<f64>,
    ) -> (usize, BeatsEnd) {
        if !self.are_of(beat.store, beat.space) {
            return (0, BeatsEnd::Whole);
        }
        let space = self.space();
        let (bound, memory) = space.alone(beat.solo.binding, &beat.executable);
        let status = memory.status;
        let batches = positions.chunks_exact(beat.size.max(1));
        losses.reserve(batches.len());
        let mut done = 0;
        for batch in batches {
            status.store(STATUS_FINE, Ordering::Relaxed);
            // SAFETY: `Wiring::beat` made the pointers: to slots of the store, as large as what is read and written here, aligned and touched
            // by nobody else while the store is borrowed; as for the call, see `Runs::run` and `Call::run`.
            let result = unsafe {
                beat.rows
                    .copy_from_nonoverlapping(batch.as_ptr(), beat.size);
                match beat.solo.lone {
                    Some(lone) => {
                        (lone.function)(lone.arguments, 0, lone.outer, status);
                        if lone.checks { failure(status) } else { Ok(()) }
                    }
                    None => bound.run(&beat.executable, &memory),
                }
            };
            done += 1;
            if let Err(failure) = result {
                return (done, BeatsEnd::Failed(failure));
            }
            // SAFETY: as above.
            let loss = unsafe { *beat.loss };
            if finite && !loss.is_finite() {
                return (done, BeatsEnd::NotFinite);
            }
            losses.push(f64::from(loss));
            for &(into, value, weight) in &beat.adds {
                // SAFETY: as above.
                unsafe { *into += f64::from(*value) * weight };
            }
            for &(count, by) in &beat.counts {
                // SAFETY: as above.
                unsafe { *count = (*count).wrapping_add(by) };
            }
        }
        (done, BeatsEnd::Whole)
    }
}
