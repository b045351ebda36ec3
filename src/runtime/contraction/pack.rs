//! Copies an operand into panels `[k][width]`: lanes for the vectors, or the rows of one tile.
use super::cpu::Isa;
use super::plan::{Contraction, Panel};
use super::simd::Scalar;
use super::tile::{MAX_VECTORS, Tiled};
use crate::base::types::DType;
use std::ops::Range;

/// Lanes of the widest panel.
const MAX_PANEL: usize = MAX_VECTORS * 16;

/// Panels that are packed side by side: as many streams of stores as a first cache's ways bear when they lie pages apart.
const LINE_PANELS: usize = 4;

/// Lines that are asked for ahead: the processor's own prefetcher stops at the end of a page.
const LINES_AHEAD: usize = 16;

/// The same for the shorter lines of some tiles' rows.
const ROW_LINES_AHEAD: usize = 24;

/// What is copied: element (k, lane) is at `base + lanes[lane] + sums[k]`.
pub(super) struct Source<'a, T> {
    pub base: *const T,
    pub lanes: &'a [i32],
    pub sums: &'a [i32],
}

impl<T: Scalar> Source<'_, T> {
    #[inline(always)]
    fn at(&self, lane: usize, k: usize) -> *const T {
        self.base
            .wrapping_offset(self.lanes[lane] as isize + self.sums[k] as isize)
    }
}

impl Contraction {
    /// Packs one panel's lanes for a range of k; the last vector is filled up with zeros.
    ///
    /// # Safety
    /// `source` is the lane operand with its batch offset applied, of the plan's element type and readable for the panel's lanes at each of
    /// `k`; `target` has room for `k.len()` times the panel, which nobody else uses.
    pub(super) unsafe fn pack_panel<T: Tiled>(
        &self,
        source: *const T,
        target: *mut T,
        panel: Panel,
        k: Range<usize>,
    ) {
        let width = panel.vectors * self.lanes;
        // Only a panel's last vector can be a partial one.
        let mut offsets = [0_i32; MAX_PANEL];
        let mut count = 0;
        for vector in &self.vectors[panel.first..panel.first + panel.vectors] {
            let lane = vector.lane as usize;
            let wanted = vector.count as usize;
            offsets[count..count + wanted].copy_from_slice(&self.lane_sources[lane..lane + wanted]);
            count += wanted;
        }
        let source = Source {
            base: source,
            lanes: &offsets[..count],
            sums: &self.lane_k[k],
        };
        // SAFETY: the caller's contract; the offsets are the plan's. The width is a whole number of vectors, so nothing behind the target is
        // overwritten, and the instruction set is there, since a `Cpu` has it.
        unsafe { T::pack(self.isa, &source, target, width) }
    }
}

impl Contraction {
    /// Whether the lanes of some panels are full vectors that lie side by side in the operand.
    pub(super) fn lies_in_lines(&self, panels: &Range<usize>) -> bool {
        let Some((first, last)) = self.panels[panels.clone()]
            .first()
            .zip(self.panels[panels.clone()].last())
        else {
            return false;
        };
        let vectors = &self.vectors[first.first..last.first + last.vectors];
        let from = vectors[0].lane as usize;
        let lanes = vectors.len() * self.lanes;
        self.isa != Isa::Portable
            && self.dtype == DType::F32
            && vectors
                .iter()
                .all(|vector| usize::from(vector.count) == self.lanes)
            && self
                .lane_sources
                .get(from..from + lanes)
                .is_some_and(|sources| {
                    sources[lanes - 1] - sources[0] == lanes as i32 - 1
                        && sources.windows(2).all(|pair| pair[0] < pair[1])
                })
    }

    /// Packs all lanes of some panels, line after line of the operand: a line is a page of its own in wide operands, which panel
    /// after panel would walk again for each.
    ///
    /// # Safety
    /// As for [`Contraction::pack_panel`], for all the panels one after the other; [`Contraction::lies_in_lines`] holds.
    pub(super) unsafe fn pack_lines<T: Scalar>(
        &self,
        source: *const T,
        target: *mut T,
        panels: Range<usize>,
        k: Range<usize>,
    ) {
        let mut target = target;
        for panels in self.panels[panels].chunks(LINE_PANELS) {
            let from = self.vectors[panels[0].first].lane as usize;
            let first = source.wrapping_offset(self.lane_sources[from] as isize);
            let sums = &self.lane_k[k.clone()];
            let wide = panels.iter().map(|panel| panel.vectors).sum::<usize>() * self.lanes;
            for (at, &offset) in sums.iter().enumerate() {
                if let Some(&ahead) = sums.get(at + LINES_AHEAD) {
                    prefetch(first.wrapping_offset(ahead as isize), wide);
                }
                let mut line = first.wrapping_offset(offset as isize);
                let mut start = target;
                for panel in panels {
                    let width = panel.vectors * self.lanes;
                    let to = start.wrapping_add(at * width);
                    for lane in (0..width).step_by(8) {
                        // SAFETY: the caller's contract: the panels' lanes, whole vectors of 8 or 16, lie side by side from `line` on, and
                        // the target has `width` elements for each k.
                        unsafe {
                            to.add(lane)
                                .cast::<[T; 8]>()
                                .write_unaligned(line.add(lane).cast::<[T; 8]>().read_unaligned());
                        }
                    }
                    line = line.wrapping_add(width);
                    start = start.wrapping_add(width * sums.len());
                }
            }
            target = target.wrapping_add(wide * sums.len());
        }
    }
}

/// Tiles of rows that are packed side by side, for the reason of [`LINE_PANELS`].
const LINE_TILES: usize = 4;

/// Packs `tiles` tiles of `size` rows that lie side by side in the operand, line after line of it.
///
/// # Safety
/// `first + sums[k]` begins `tiles * size` readable elements for each k; `target` holds as many for each, which nobody else uses.
pub(super) unsafe fn pack_row_lines<T: Scalar>(
    first: *const T,
    sums: &[i32],
    target: *mut T,
    tiles: usize,
    size: usize,
) {
    // SAFETY: the caller's contract, with `size` as a constant.
    unsafe {
        match size {
            1 => pack_tiles::<T, 1>(first, sums, target, tiles),
            2 => pack_tiles::<T, 2>(first, sums, target, tiles),
            3 => pack_tiles::<T, 3>(first, sums, target, tiles),
            4 => pack_tiles::<T, 4>(first, sums, target, tiles),
            5 => pack_tiles::<T, 5>(first, sums, target, tiles),
            6 => pack_tiles::<T, 6>(first, sums, target, tiles),
            7 => pack_tiles::<T, 7>(first, sums, target, tiles),
            8 => pack_tiles::<T, 8>(first, sums, target, tiles),
            // `TileTable::new` refuses taller tiles while dlmc itself is compiled.
            _ => unreachable!("tiles have at most eight rows"),
        }
    }
}

/// [`pack_row_lines`] of tiles of one size.
///
/// # Safety
/// As there, with `SIZE` for `size`.
unsafe fn pack_tiles<T: Scalar, const SIZE: usize>(
    first: *const T,
    sums: &[i32],
    target: *mut T,
    tiles: usize,
) {
    let tile_elements = SIZE * sums.len();
    for start in (0..tiles).step_by(LINE_TILES) {
        let count = LINE_TILES.min(tiles - start);
        let line = first.wrapping_add(start * SIZE);
        let tile = target.wrapping_add(start * tile_elements);
        for (at, &offset) in sums.iter().enumerate() {
            if let Some(&ahead) = sums.get(at + ROW_LINES_AHEAD) {
                prefetch(line.wrapping_offset(ahead as isize), count * SIZE);
            }
            let line = line.wrapping_offset(offset as isize);
            for number in 0..count {
                let to = tile.wrapping_add(number * tile_elements + at * SIZE);
                // SAFETY: the caller's contract: `SIZE` elements of the line and of the tile.
                unsafe {
                    let rows = line.add(number * SIZE).cast::<[T; SIZE]>();
                    to.cast::<[T; SIZE]>()
                        .write_unaligned(rows.read_unaligned());
                }
            }
        }
    }
}

/// Asks for the lines of some elements that will be written.
#[inline(always)]
pub(super) fn prefetch_for_writing<T>(from: *const T, elements: usize) {
    #[cfg(target_arch = "x86_64")]
    for byte in (0..elements * size_of::<T>()).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        // SAFETY: a prefetch of any address is harmless; every x86-64 processor has it.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(from.cast::<i8>().wrapping_add(byte)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, elements);
}

/// Asks for the memory of some elements ahead of their use.
fn prefetch<T>(from: *const T, elements: usize) {
    #[cfg(target_arch = "x86_64")]
    for byte in (0..elements * size_of::<T>()).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of any address is harmless; every x86-64 processor has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast::<i8>().wrapping_add(byte)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, elements);
}

/// Packs element by element, contiguous groups of lanes as such.
///
/// # Safety
/// Every element of the source, of at most `width` lanes, is readable; `target` holds `sums.len() * width` elements, which nobody else uses.
pub(super) unsafe fn pack_plain<T: Scalar>(source: &Source<'_, T>, target: *mut T, width: usize) {
    for k in 0..source.sums.len() {
        let line = target.wrapping_add(k * width);
        for lane in 0..source.lanes.len() {
            // SAFETY: the caller's contract: a readable element; `line` has `width` elements.
            unsafe { *line.add(lane) = *source.at(lane, k) };
        }
        for lane in source.lanes.len()..width {
            // SAFETY: the caller's contract: `line` has `width` elements.
            unsafe { *line.add(lane) = T::ZERO };
        }
    }
}

/// Packs f32 by the best way of this instruction set.
///
/// # Safety
/// As for [`pack_plain`]; the processor has `isa`. Where `width` is not a multiple of 8, 7 more elements after the target are writable, and
/// may be overwritten.
pub(super) unsafe fn pack_f32(isa: Isa, source: &Source<'_, f32>, target: *mut f32, width: usize) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's contract; these families include AVX2 and FMA (checked when the `Cpu` was made).
        Isa::Avx2 | Isa::Avx512 => unsafe { avx2::pack(source, target, width) },
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: the caller's contract.
        Isa::Avx2 | Isa::Avx512 => unsafe { pack_plain(source, target, width) },
        // SAFETY: the caller's contract.
        Isa::Portable => unsafe { pack_plain(source, target, width) },
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Source, pack_plain};
    use std::arch::x86_64::*;

    /// Chunks of 8 lanes, the last first: its stores may run over into the next line, whose start is written later.
    ///
    /// # Safety
    /// As for [`pack_f32`](super::pack_f32); the processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn pack(source: &Source<'_, f32>, target: *mut f32, width: usize) {
        if source.lanes.len() == width && width.is_multiple_of(8) && consecutive(source.lanes) {
            // SAFETY: the caller's contract, for a panel of consecutive lanes as wide as a line.
            unsafe { copy_lines(source, target, width) };
            return;
        }
        let mut start = width.next_multiple_of(8);
        while start > 0 {
            start -= 8;
            let end = source.lanes.len().min(start + 8);
            let lanes = if start < end {
                &source.lanes[start..end]
            } else {
                &[]
            };
            let chunk = Source { lanes, ..*source };
            // SAFETY: the caller's contract, for lanes `start..start + 8` of each line; what the last one runs over by lies behind the
            // target.
            unsafe {
                if consecutive(lanes) {
                    copy(&chunk, target.add(start), width);
                } else {
                    gather(&chunk, target.add(start), width);
                }
            }
        }
    }

    fn consecutive(offsets: &[i32]) -> bool {
        offsets
            .windows(2)
            .all(|pair| pair[0].wrapping_add(1) == pair[1])
    }

    /// A whole panel side by side: line after line, so that each line of the source is touched once.
    ///
    /// # Safety
    /// As for [`pack`], of `width` consecutive lanes; `width` is a multiple of 8 above 0.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn copy_lines(source: &Source<'_, f32>, target: *mut f32, width: usize) {
        let first = source.base.wrapping_offset(source.lanes[0] as isize);
        for (k, &offset) in source.sums.iter().enumerate() {
            let line = first.wrapping_offset(offset as isize);
            for lane in (0..width).step_by(8) {
                // SAFETY: the caller's contract: `width` lanes of the source are side by side; the target has as many for each k.
                unsafe {
                    _mm256_storeu_ps(
                        target.add(k * width + lane),
                        _mm256_loadu_ps(line.wrapping_add(lane)),
                    )
                };
            }
        }
    }

    /// Lanes side by side: one vector a line.
    ///
    /// # Safety
    /// The processor has AVX2 and FMA. Every element of the source, of at most 8 consecutive lanes, is readable, and 8 elements of the target
    /// are writable from `k * width` on for each k.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn copy(source: &Source<'_, f32>, target: *mut f32, width: usize) {
        let count = source.lanes.len();
        let first = source
            .base
            .wrapping_offset(source.lanes.first().copied().unwrap_or(0) as isize);
        // SAFETY: the caller's contract: full loads read 8 wanted lanes, masked ones only those below `count`; stores are of 8 elements.
        unsafe {
            if count == 8 {
                for (k, &offset) in source.sums.iter().enumerate() {
                    let value = _mm256_loadu_ps(first.wrapping_offset(offset as isize));
                    _mm256_storeu_ps(target.add(k * width), value);
                }
            } else {
                let iota = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
                let mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), iota);
                for (k, &offset) in source.sums.iter().enumerate() {
                    let value = _mm256_maskload_ps(first.wrapping_offset(offset as isize), mask);
                    _mm256_storeu_ps(target.add(k * width), value);
                }
            }
        }
    }

    /// Lanes apart: blocks of 8 consecutive k are transposed, other k are copied one by one.
    ///
    /// # Safety
    /// As for [`copy`], but lanes need not be consecutive.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn gather(source: &Source<'_, f32>, target: *mut f32, width: usize) {
        let iota = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        let mut k = 0;
        while k < source.sums.len() {
            // SAFETY: the caller's contract. The block holds 8 offsets; its elements are consecutive, so each load reads wanted ones only, and
            // stores are of 8 elements a line, or of `end`, which is no more.
            unsafe {
                if let Some(block) = source.sums.get(k..k + 8) {
                    let offsets = _mm256_loadu_si256(block.as_ptr().cast());
                    let wanted = _mm256_add_epi32(_mm256_set1_epi32(block[0]), iota);
                    if _mm256_movemask_epi8(_mm256_cmpeq_epi32(offsets, wanted)) == -1 {
                        let mut rows = [_mm256_setzero_ps(); 8];
                        for (row, &lane) in rows.iter_mut().zip(source.lanes) {
                            *row = _mm256_loadu_ps(
                                source
                                    .base
                                    .wrapping_offset(lane as isize + block[0] as isize),
                            );
                        }
                        let columns = transpose(rows);
                        for (i, column) in columns.into_iter().enumerate() {
                            _mm256_storeu_ps(target.add((k + i) * width), column);
                        }
                        k += 8;
                        continue;
                    }
                }
                let line = Source {
                    sums: &source.sums[k..k + 1],
                    ..*source
                };
                let end = width.min(8).max(source.lanes.len());
                pack_plain(&line, target.add(k * width), end);
                k += 1;
            }
        }
    }

    /// Eight rows of eight to eight columns.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn transpose(r: [__m256; 8]) -> [__m256; 8] {
        let (t0, t1) = (
            _mm256_unpacklo_ps(r[0], r[1]),
            _mm256_unpackhi_ps(r[0], r[1]),
        );
        let (t2, t3) = (
            _mm256_unpacklo_ps(r[2], r[3]),
            _mm256_unpackhi_ps(r[2], r[3]),
        );
        let (t4, t5) = (
            _mm256_unpacklo_ps(r[4], r[5]),
            _mm256_unpackhi_ps(r[4], r[5]),
        );
        let (t6, t7) = (
            _mm256_unpacklo_ps(r[6], r[7]),
            _mm256_unpackhi_ps(r[6], r[7]),
        );
        let (u0, u1) = (
            _mm256_shuffle_ps::<0x44>(t0, t2),
            _mm256_shuffle_ps::<0xEE>(t0, t2),
        );
        let (u2, u3) = (
            _mm256_shuffle_ps::<0x44>(t1, t3),
            _mm256_shuffle_ps::<0xEE>(t1, t3),
        );
        let (u4, u5) = (
            _mm256_shuffle_ps::<0x44>(t4, t6),
            _mm256_shuffle_ps::<0xEE>(t4, t6),
        );
        let (u6, u7) = (
            _mm256_shuffle_ps::<0x44>(t5, t7),
            _mm256_shuffle_ps::<0xEE>(t5, t7),
        );
        [
            _mm256_permute2f128_ps::<0x20>(u0, u4),
            _mm256_permute2f128_ps::<0x20>(u1, u5),
            _mm256_permute2f128_ps::<0x20>(u2, u6),
            _mm256_permute2f128_ps::<0x20>(u3, u7),
            _mm256_permute2f128_ps::<0x31>(u0, u4),
            _mm256_permute2f128_ps::<0x31>(u1, u5),
            _mm256_permute2f128_ps::<0x31>(u2, u6),
            _mm256_permute2f128_ps::<0x31>(u3, u7),
        ]
    }
}
