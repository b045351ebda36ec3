//! Runs a plan block of terms after block, for what makes each one right before it is taken.
use super::plan::{BatchOffset, Contraction, ROW_CHUNK};
use super::run::{Area, Operands};
use super::tile::Tiled;
use crate::base::types::DType;
use std::ops::Range;

/// What makes the terms in this range of K.
pub type Maker<'a> = &'a mut dyn FnMut(Range<usize>);

impl Contraction {
    /// Whether every block of K is read once: all of C lies in one block.
    pub fn walks_terms(&self) -> bool {
        self.batch.len() == 1 && self.lane_blocks.len() == 1 && self.c_rows.len() <= ROW_CHUNK
    }

    /// Computes all of C, or one piece of the sum as [`Contraction::run_piece`] does, and calls `before` with each block of K before its
    /// terms are read: of at most `most` terms, where sums are kept between blocks.
    ///
    /// # Safety
    /// As for [`Contraction::run`] or [`Contraction::run_piece`], of a plan that [`Contraction::walks_terms`] and operands that are not packed.
    /// What lies in an operand from the least to the greatest offset of a term need be as there only once `before` was called with the term's
    /// block, which may write it.
    pub unsafe fn run_terms(
        &self,
        operands: &Operands,
        scratch: *mut u8,
        (piece, most): (Option<usize>, usize),
        before: Maker<'_>,
    ) {
        // SAFETY: the caller's contract, by the plan's element type.
        unsafe {
            match self.dtype {
                DType::F64 => self.terms_typed::<f64>(operands, scratch, (piece, most), before),
                DType::F32 | DType::I32 | DType::Bool | DType::U8 => {
                    self.terms_typed::<f32>(operands, scratch, (piece, most), before);
                }
            }
        }
    }

    /// [`Contraction::run_terms`] of elements.
    ///
    /// # Safety
    /// As there; `T` is the plan's element type.
    unsafe fn terms_typed<T: Tiled>(
        &self,
        operands: &Operands,
        scratch: *mut u8,
        (piece, most): (Option<usize>, usize),
        before: Maker<'_>,
    ) {
        let most = match self.partial_elements() {
            0 => self.k_block,
            _ => most.clamp(1, self.k_block),
        };
        let mut run = self.start::<T>(operands, scratch, piece);
        let offset = BatchOffset {
            c: if piece.is_some() { 0 } else { self.batch[0].c },
            ..self.batch[0]
        };
        let area = Area {
            batch: 0,
            rows: 0..self.c_rows.len(),
            lanes: 0..self.c_lanes.len(),
        };
        let pieces = piece.map_or(0..self.pieces(), |piece| piece..piece + 1);
        for piece in pieces {
            for block in self.blocks(piece) {
                for start in block.clone().step_by(most) {
                    let k = start..block.end.min(start + most);
                    before(k.clone());
                    let panels = self.lane_blocks[0].clone();
                    // SAFETY: the caller's contract: this is all of C, of one block of lanes and at most `ROW_CHUNK` rows; the terms of `k`
                    // are there, and parts of a piece come in order.
                    unsafe { run.block(offset, &area, area.rows.clone(), panels, piece, k) };
                }
            }
        }
    }
}
