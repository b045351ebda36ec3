//! Runs a plan block of rows after block, for what takes each one as soon as it is there.
use super::plan::{Contraction, ROW_CHUNK};
use super::run::{Area, Operands};
use super::tile::Tiled;
use crate::base::types::DType;
use std::ops::Range;

/// Bytes of a block of the result, about: with what takes it, it lies in a second-level cache. Checked builds cut small results too.
const BLOCK_BYTES: usize = if cfg!(debug_assertions) {
    128
} else {
    96 << 10
};
/// Rows of a block, at least: all panels of lanes are read anew for each.
const FEWEST_ROWS: usize = if cfg!(debug_assertions) { 3 } else { 48 };
/// The same where lanes are packed anew for each block, since the sum has several blocks.
const FEWEST_REPACKED: usize = if cfg!(debug_assertions) { 5 } else { 192 };

/// Rows of a block from which on blocks are worth it. Long rows, and lanes that would be packed anew for each block, are faster made whole:
/// a row of 1024 elements by a tenth.
const WORTH_ROWS: usize = 96;
/// Checked builds make blocks of every shape that has rows.
const EVERY_SHAPE: bool = cfg!(debug_assertions);

/// What takes the elements of C in these rows and lanes of the plan.
pub type Taker<'a> = &'a mut dyn FnMut(Range<usize>, Range<usize>);

impl Contraction {
    /// Rows of a block for [`Contraction::run_blocks`]; `None` where C does not consist of the rows of one operand, one after another in
    /// memory, with the lanes side by side, and where it is faster made whole. `rows_of_b` says whose rows the caller means.
    pub fn block_rows(&self, rows_of_b: bool) -> Option<usize> {
        let lanes = self.c_lanes.len();
        let in_order = |offsets: &[i32], step: usize| {
            let mut places = offsets.iter().enumerate();
            places.all(|(at, &offset)| usize::try_from(offset) == Ok(at * step))
        };
        if self.transposed != rows_of_b
            || self.batch.len() != 1
            || self.accumulate
            || self.c_rows.is_empty()
            || !in_order(&self.c_lanes, 1)
            || !in_order(&self.c_rows, lanes)
        {
            return None;
        }
        let repacked = self.packed && self.k > self.k_block;
        let fewest = if repacked {
            FEWEST_REPACKED
        } else {
            FEWEST_ROWS
        };
        let bytes = lanes * self.dtype.size();
        let rows = BLOCK_BYTES / bytes.max(1);
        if !EVERY_SHAPE && (repacked || !self.whole_rows() || rows < WORTH_ROWS) {
            return None;
        }
        let rows = rows.max(fewest);
        Some(rows.min(ROW_CHUNK).min(self.c_rows.len()))
    }

    /// Whether [`Contraction::run_blocks`] gives whole rows.
    pub fn whole_rows(&self) -> bool {
        self.lane_blocks.len() == 1
    }

    /// Computes rows of C in blocks and gives each one to `then`, all its lanes or a part of them after another. Every block is written to
    /// where the first of these rows belong, over the one before: row `r` of a block that begins at `s` is found at row `rows.start + r - s`.
    ///
    /// # Safety
    /// As for [`Contraction::run`], with rows as [`Contraction::block_rows`] means them, which must have given `block`. What `then` writes is
    /// neither an operand nor the scratch.
    pub unsafe fn run_blocks(
        &self,
        operands: &Operands,
        scratch: *mut u8,
        (rows, block): (Range<usize>, usize),
        then: Taker<'_>,
    ) {
        // SAFETY: the caller's contract, by the plan's element type.
        unsafe {
            match self.dtype {
                DType::F64 => self.blocks_typed::<f64>(operands, scratch, (rows, block), then),
                DType::F32 | DType::I32 | DType::Bool | DType::U8 => {
                    self.blocks_typed::<f32>(operands, scratch, (rows, block), then);
                }
            }
        }
    }

    /// [`Contraction::run_blocks`] of elements.
    ///
    /// # Safety
    /// As there; `T` is the plan's element type.
    unsafe fn blocks_typed<T: Tiled>(
        &self,
        operands: &Operands,
        scratch: *mut u8,
        (rows, block): (Range<usize>, usize),
        then: Taker<'_>,
    ) {
        let lanes = self.c_lanes.len();
        let mut run = self.start::<T>(operands, scratch, None);
        let c = run.c;
        run.far = false;
        let area = Area {
            batch: 0,
            rows: rows.clone(),
            lanes: 0..lanes,
        };
        // A vector at the end of a block may overlap lanes of the block before, which were taken with that.
        let mut taken = 0;
        for panels in &self.lane_blocks {
            let end = run.panel_end(self.panels[panels.end - 1]);
            for start in rows.clone().step_by(block.max(1)) {
                let part = start..rows.end.min(start + block.max(1));
                run.c = c.wrapping_sub((start - rows.start) * lanes);
                for piece in 0..self.pieces() {
                    for k in self.blocks(piece) {
                        // SAFETY: the caller's contract; the block's rows, at most `ROW_CHUNK` and moved by their distance to the first one,
                        // are rows of C. The panels are a block of lanes, and blocks of k come in order.
                        unsafe {
                            run.block(self.batch[0], &area, part.clone(), panels.clone(), piece, k);
                        }
                    }
                }
                then(part, taken..end);
            }
            taken = end;
        }
    }
}
