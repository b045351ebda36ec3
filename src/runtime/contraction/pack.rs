//! Copies lanes into panels: `[k][vectors * lanes]`, the last vector filled up with zeros.
use super::plan::{Contraction, Panel};
use super::simd::Scalar;
use std::ops::Range;

impl Contraction {
    /// Packs one panel's lanes for a range of k.
    ///
    /// # Safety
    /// `source` is the lane operand with its batch offset applied; `target` has room for `k.len()` times the panel.
    pub(super) unsafe fn pack_panel<T: Scalar>(
        &self,
        source: *const T,
        target: *mut T,
        panel: Panel,
        k: Range<usize>,
    ) {
        let width = panel.vectors * self.lanes;
        let first = panel.first * self.lanes;
        let sources = &self.lane_sources[first..(first + width).min(self.lane_sources.len())];
        for (row, &offset) in self.lane_k[k].iter().enumerate() {
            let line = target.wrapping_add(row * width);
            let from = source.wrapping_offset(offset as isize);
            for (lane, &lane_offset) in sources.iter().enumerate() {
                // SAFETY: an element of the operand by the plan's ranges; `line` has `width` elements.
                unsafe { *line.add(lane) = *from.wrapping_offset(lane_offset as isize) };
            }
            for lane in sources.len()..width {
                // SAFETY: `line` has `width` elements.
                unsafe { *line.add(lane) = T::ZERO };
            }
        }
    }
}
