//! Runs a plan: blocks of lanes, pieces and blocks of K, columns of tiles.
use super::cost::{Splits, split_rows};
use super::pack::{Source, pack_row_lines};
use super::plan::{BatchOffset, Contraction, Panel, ROW_BLOCK, ROW_CHUNK};
use super::tile::{MAX_VECTORS, TileCall, TileTable, Tiled, Vector};
use crate::base::types::DType;
use std::ops::Range;
use std::ptr;

/// The operands of one run. A base may lie outside its allocation (a block-local C), since only sums of bases and
/// offsets are dereferenced.
#[derive(Debug, Clone, Copy)]
pub struct Operands {
    /// A.
    pub a: *const u8,
    /// B.
    pub b: *const u8,
    /// C.
    pub c: *mut u8,
    /// What [`Contraction::pack`] made of the operand [`Contraction::packs`], or null: each run packs into its scratch.
    pub packed: *const u8,
}

/// Bytes of C that lie in a second-level cache beside the packed operands.
const NEAR_BYTES: usize = 256 << 10;

/// A tile's rows, about: up to twice as many are computed for panel after panel in one call.
const FEW_ROWS: usize = 6;

/// One run with typed pointers and the tables of its destination.
pub(super) struct Run<'a, T: Tiled> {
    plan: &'a Contraction,
    table: &'static TileTable<T>,
    row: *const T,
    lane: *const T,
    prepacked: *const T,
    pub(super) c: *mut T,
    c_rows: &'a [i32],
    c_lanes: &'a [i32],
    vectors: &'a [Vector],
    spill: *mut T,
    partial: *mut T,
    lane_scratch: *mut T,
    row_scratch: *mut T,
    pieces: Range<usize>,
    accumulate: bool,
    /// Whether C is too large to lie in a near cache.
    pub(super) far: bool,
    /// What `lane_scratch` holds: batch element, panels, start of k.
    held: Option<(usize, Range<usize>, usize)>,
    /// The tiles of a step's rows.
    splits: Splits,
}

/// The part of C that one call computes.
pub(super) struct Area {
    pub(super) batch: usize,
    pub(super) rows: Range<usize>,
    pub(super) lanes: Range<usize>,
}

impl Contraction {
    /// Computes rows `rows` of C (counted through the batch: `batch * M`), all columns.
    ///
    /// # Safety
    /// - The operands are valid (B and A for reads, C for reads and writes) and initialised over
    ///   [`Contraction::a_range`], [`Contraction::b_range`] and the elements of C that these rows name; nobody writes
    ///   to A or B, or to these elements of C, meanwhile. C overlaps neither A nor B.
    /// - `packed` is null or holds [`Contraction::pack_bytes`] bytes that [`Contraction::pack`] filled from the same
    ///   operand, aligned to its elements.
    /// - `scratch` holds [`Contraction::scratch_bytes`] bytes for this call alone.
    pub unsafe fn run(&self, operands: &Operands, scratch: *mut u8, rows: Range<usize>) {
        // SAFETY: the caller's contract, by the plan's element type; the columns are all.
        unsafe {
            match self.dtype {
                DType::F64 => self.run_area::<f64>(operands, scratch, rows, 0..self.n, None),
                DType::F32 | DType::I32 | DType::Bool | DType::U8 => {
                    self.run_area::<f32>(operands, scratch, rows, 0..self.n, None);
                }
            }
        }
    }

    /// Computes the given columns of C, in all rows: tasks cut by columns share the work of packing, which tasks cut by rows repeat.
    ///
    /// # Safety
    /// As for [`Contraction::run`], for these columns.
    pub unsafe fn run_columns(&self, operands: &Operands, scratch: *mut u8, columns: Range<usize>) {
        // SAFETY: the caller's contract, by the plan's element type; the rows are all.
        unsafe {
            match self.dtype {
                DType::F64 => {
                    self.run_area::<f64>(operands, scratch, 0..self.rows(), columns, None);
                }
                DType::F32 | DType::I32 | DType::Bool | DType::U8 => {
                    self.run_area::<f32>(operands, scratch, 0..self.rows(), columns, None);
                }
            }
        }
    }

    /// Computes one piece of the sum for the given rows into `operands.c`, here a dense `[rows(), columns()]` array.
    /// [`Contraction::combine`] adds the pieces.
    ///
    /// # Safety
    /// As for [`Contraction::run`], with C of [`Contraction::partial_bytes`] bytes, aligned to elements; `piece` is below
    /// [`Contraction::pieces`].
    pub unsafe fn run_piece(
        &self,
        operands: &Operands,
        scratch: *mut u8,
        rows: Range<usize>,
        piece: usize,
    ) {
        // SAFETY: the caller's contract, by the plan's element type; C is dense.
        unsafe {
            match self.dtype {
                DType::F64 => self.run_area::<f64>(operands, scratch, rows, 0..self.n, Some(piece)),
                DType::F32 | DType::I32 | DType::Bool | DType::U8 => {
                    self.run_area::<f32>(operands, scratch, rows, 0..self.n, Some(piece));
                }
            }
        }
    }

    /// Adds the pieces in order into the given rows of C: the same bits as one [`Contraction::run`].
    ///
    /// # Safety
    /// `partials` holds [`Contraction::pieces`] arrays of [`Contraction::partial_bytes`] bytes, one after the other and aligned to
    /// elements, filled by [`Contraction::run_piece`] for these rows; C is valid for these rows as in [`Contraction::run`] and overlaps none.
    pub unsafe fn combine(&self, partials: *const u8, c: *mut u8, rows: Range<usize>) {
        // SAFETY: the caller's contract, by the plan's element type.
        unsafe {
            match self.dtype {
                DType::F64 => self.combine_typed::<f64>(partials.cast(), c.cast(), rows),
                DType::F32 | DType::I32 | DType::Bool | DType::U8 => {
                    self.combine_typed::<f32>(partials.cast(), c.cast(), rows);
                }
            }
        }
    }

    /// Number of independent parts of [`Contraction::pack`]; 0 if the plan reads its lanes in place.
    pub fn pack_parts(&self) -> usize {
        let batch = if self.lanes_vary { self.batch.len() } else { 1 };
        if self.packed {
            batch * self.panels.len()
        } else {
            0
        }
    }

    /// Packs some parts of the operand [`Contraction::packs`] into `target`.
    ///
    /// # Safety
    /// `operand` as in [`Contraction::run`]; `target` holds [`Contraction::pack_bytes`] bytes, aligned to elements, of
    /// which no one else uses these parts.
    pub unsafe fn pack(&self, operand: *const u8, target: *mut u8, parts: Range<usize>) {
        // SAFETY: the caller's contract, by the plan's element type.
        unsafe {
            match self.dtype {
                DType::F64 => self.pack_typed::<f64>(operand.cast(), target.cast(), parts),
                DType::F32 | DType::I32 | DType::Bool | DType::U8 => {
                    self.pack_typed::<f32>(operand.cast(), target.cast(), parts);
                }
            }
        }
    }

    /// [`Contraction::pack`] of elements.
    ///
    /// # Safety
    /// As there; `T` is the plan's element type.
    unsafe fn pack_typed<T: Tiled>(&self, operand: *const T, target: *mut T, parts: Range<usize>) {
        if self.m == 0 || self.n == 0 {
            return;
        }
        for part in parts {
            let (batch, panel) = (
                part / self.panels.len(),
                self.panels[part % self.panels.len()],
            );
            let source = operand.wrapping_offset(self.batch[batch].lane);
            for piece in 0..self.pieces() {
                for k in self.blocks(piece) {
                    let offset = self.packed_offset(batch, panel, &k);
                    // SAFETY: the caller's contract; the panel's place inside the packed operand is of this part.
                    unsafe { self.pack_panel(source, target.add(offset), panel, k) };
                }
            }
        }
    }

    /// Where a panel's block of k lies in the packed operand.
    fn packed_offset(&self, batch: usize, panel: Panel, k: &Range<usize>) -> usize {
        let batch = if self.lanes_vary { batch } else { 0 };
        let lanes = self.vectors.len() * self.lanes;
        (batch * self.k + k.start) * lanes + panel.first * self.lanes * k.len()
    }

    /// The blocks of k of one piece; one empty block if K is 0.
    pub(super) fn blocks(&self, piece: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let start = piece * self.piece;
        let end = (start + self.piece).min(self.k);
        let step = self.k_block;
        let count = (end - start).div_ceil(step).max(1);
        (0..count).map(move |block| start + block * step..(start + (block + 1) * step).min(end))
    }

    /// [`Contraction::combine`] of elements.
    ///
    /// # Safety
    /// As there; `T` is the plan's element type.
    unsafe fn combine_typed<T: Tiled>(&self, partials: *const T, c: *mut T, rows: Range<usize>) {
        let piece_elements = self.rows() * self.n;
        let (m_offsets, n_offsets) = if self.transposed {
            (&self.c_lanes, &self.c_rows)
        } else {
            (&self.c_rows, &self.c_lanes)
        };
        for row in rows {
            let base = self.batch[row / self.m].c + m_offsets[row % self.m] as isize;
            for (column, &offset) in n_offsets.iter().enumerate() {
                let target = c.wrapping_offset(base + offset as isize);
                let source = partials.wrapping_add(row * self.n + column);
                // SAFETY: the caller's contract, for an element of C in these rows and one of each partial result.
                unsafe {
                    let mut sum = if self.accumulate {
                        (*target).plus(*source)
                    } else {
                        *source
                    };
                    for piece in 1..self.pieces() {
                        sum = sum.plus(*source.add(piece * piece_elements));
                    }
                    *target = sum;
                }
            }
        }
    }

    /// A run over all columns, of one piece into a dense array or of all into C.
    pub(super) fn start<T: Tiled>(
        &self,
        operands: &Operands,
        scratch: *mut u8,
        piece: Option<usize>,
    ) -> Run<'_, T> {
        let (row, lane) = if self.transposed {
            (operands.b, operands.a)
        } else {
            (operands.a, operands.b)
        };
        let spill: *mut T = scratch.wrapping_add(scratch.align_offset(64)).cast();
        let partial = spill.wrapping_add(self.spill_elements());
        let lane_scratch = partial.wrapping_add(self.partial_elements());
        let dense = piece.is_some();
        Run {
            plan: self,
            table: T::table(self.isa),
            row: row.cast(),
            lane: lane.cast(),
            prepacked: operands.packed.cast(),
            c: operands.c.cast(),
            c_rows: if dense {
                &self.dense_rows
            } else {
                &self.c_rows
            },
            c_lanes: if dense {
                &self.dense_lanes
            } else {
                &self.c_lanes
            },
            vectors: if dense {
                &self.dense_vectors
            } else {
                &self.vectors
            },
            spill,
            partial,
            lane_scratch,
            row_scratch: lane_scratch.wrapping_add(self.lane_elements()),
            pieces: piece.map_or(0..self.pieces(), |piece| piece..piece + 1),
            accumulate: self.accumulate && !dense,
            far: self.partial_bytes() > NEAR_BYTES,
            held: None,
            splits: self.splits,
        }
    }

    /// Computes some rows and columns of C, or of one piece's dense result.
    ///
    /// # Safety
    /// As for [`Contraction::run`] or [`Contraction::run_piece`], for these rows and columns; `T` is the plan's element type.
    unsafe fn run_area<T: Tiled>(
        &self,
        operands: &Operands,
        scratch: *mut u8,
        rows: Range<usize>,
        columns: Range<usize>,
        piece: Option<usize>,
    ) {
        if self.n == 0 || self.m == 0 {
            return;
        }
        let dense = piece.is_some();
        let mut run = self.start::<T>(operands, scratch, piece);
        let mut start = rows.start;
        while start < rows.end.min(self.rows()) {
            let batch = start / self.m;
            let end = rows.end.min((batch + 1) * self.m);
            let wanted = start - batch * self.m..end - batch * self.m;
            let offset = self.batch[batch];
            let offset = if dense {
                BatchOffset {
                    c: (batch * self.m * self.n) as isize,
                    ..offset
                }
            } else {
                offset
            };
            let area = if self.transposed {
                Area {
                    batch,
                    rows: columns.clone(),
                    lanes: wanted,
                }
            } else {
                Area {
                    batch,
                    rows: wanted,
                    lanes: columns.clone(),
                }
            };
            // SAFETY: the caller's contract; the area is the part of these rows and columns in the batch element that the offset is of.
            unsafe { run.area(offset, &area) };
            start = end;
        }
    }
}

impl<T: Tiled> Run<'_, T> {
    /// Computes one area of C, block after block.
    ///
    /// # Safety
    /// The operands and the scratch that the run was started with are as [`Contraction::run`] demands, C for the area (of a piece: as
    /// [`Contraction::run_piece`] does). The area lies inside the plan's rows and lanes, and `offset` is of its batch element.
    unsafe fn area(&mut self, offset: BatchOffset, area: &Area) {
        let plan = self.plan;
        let chunk = if plan.partial_elements() > 0 {
            ROW_CHUNK
        } else {
            usize::MAX
        };
        let mut start = area.rows.start;
        while start < area.rows.end {
            let rows = start..area.rows.end.min(start.saturating_add(chunk));
            for block in &plan.lane_blocks {
                let panels = self.wanted_panels(block, &area.lanes);
                if panels.is_empty() {
                    continue;
                }
                for piece in self.pieces.clone() {
                    for k in plan.blocks(piece) {
                        // SAFETY: the caller's contract; the panels are of one block of lanes, the blocks of k are taken in order, and
                        // the rows are at most `ROW_CHUNK` where sums are kept between them.
                        unsafe { self.block(offset, area, rows.clone(), panels.clone(), piece, k) };
                    }
                }
            }
            start = rows.end;
        }
    }

    /// The panels of a block that hold some of the lanes.
    fn wanted_panels(&self, block: &Range<usize>, lanes: &Range<usize>) -> Range<usize> {
        let panels = &self.plan.panels[block.clone()];
        let before = panels.partition_point(|panel| self.panel_end(*panel) <= lanes.start);
        let until =
            panels.partition_point(|panel| (self.vectors[panel.first].lane as usize) < lanes.end);
        block.start + before..block.start + until.max(before)
    }

    /// The lane after a panel's last.
    pub(super) fn panel_end(&self, panel: Panel) -> usize {
        let last = self.vectors[panel.first + panel.vectors - 1];
        last.lane as usize + last.count as usize
    }

    /// One block: some rows, some panels, one block of k.
    ///
    /// # Safety
    /// As for [`Run::area`], for these rows of the area. The panels are one or more of one block of lanes, and `k`, of at most `k_block` sums,
    /// lies in the piece. Unless `k` is the whole piece, rows are at most [`ROW_CHUNK`], and the parts of the piece come in order, each with these
    /// rows and panels.
    pub(super) unsafe fn block(
        &mut self,
        offset: BatchOffset,
        area: &Area,
        rows: Range<usize>,
        panels: Range<usize>,
        piece: usize,
        k: Range<usize>,
    ) {
        let plan = self.plan;
        // SAFETY: the caller's contract, for the lane operand and its part of the scratch.
        unsafe { self.pack_block(offset, area.batch, &panels, &k) };
        let first_vector = plan.panels[panels.start].first;
        let start_of_piece = k.start == piece * plan.piece;
        let end_of_piece = k.end == plan.k.min((piece + 1) * plan.piece);
        let mut start = rows.start;
        while start < rows.end {
            let step = start..rows.end.min(start + plan.row_step);
            let row = self.row.wrapping_offset(offset.row);
            self.split_step(step.len());
            let mut packed_rows;
            let (a, a_rows) = if plan.pack_rows {
                packed_rows = [0_i32; ROW_BLOCK];
                // SAFETY: the caller's contract; the offset is that of the batch element, and a step is at most `row_step` rows.
                unsafe { self.pack_step(row, &step, &k, &mut packed_rows) };
                (self.row_scratch.cast_const(), &packed_rows[..step.len()])
            } else {
                (row, &plan.rows[step.clone()])
            };
            let mut next = panels.start;
            while next < panels.end {
                let panel = plan.panels[next];
                let whole = start_of_piece && end_of_piece && step.len() <= 2 * FEW_ROWS;
                let last = if whole {
                    self.alike(next..panels.end, &area.lanes)
                } else {
                    next + 1
                };
                let first_of_group = next;
                next = last;
                let before = (panel.first - first_vector) * plan.lanes;
                let partial = self.partial.wrapping_add(
                    before * rows.len() + (start - rows.start) * panel.vectors * plan.lanes,
                );
                let b = if !plan.packed {
                    self.lane.wrapping_offset(offset.lane)
                } else if self.prepacked.is_null() {
                    self.lane_scratch
                        .wrapping_add(before * k.len())
                        .cast_const()
                } else {
                    self.prepacked
                        .wrapping_add(plan.packed_offset(area.batch, panel, &k))
                };
                let mut vectors = [Vector::default(); MAX_VECTORS];
                let call = TileCall {
                    tiles: 0,
                    a,
                    a_rows,
                    a_k: &plan.row_k[k.clone()],
                    b,
                    vectors: if last - first_of_group > 1 {
                        &self.vectors[panel.first..][..panel.vectors * (last - first_of_group)]
                    } else {
                        self.cut_vectors(panel, &area.lanes, &mut vectors)
                    },
                    b_step: if plan.packed {
                        panel.vectors * plan.lanes * k.len()
                    } else {
                        0
                    },
                    b_k: if plan.packed {
                        &plan.panel_k[panel.vectors][..k.len()]
                    } else {
                        &plan.lane_k[k.clone()]
                    },
                    start: if start_of_piece { ptr::null() } else { partial },
                    partial: if end_of_piece {
                        ptr::null_mut()
                    } else {
                        partial
                    },
                    c: self.c.wrapping_offset(offset.c),
                    c_rows: &self.c_rows[step.clone()],
                    c_lanes: self.c_lanes,
                    add: self.accumulate || piece > self.pieces.start,
                    far: self.far,
                    spill: self.spill,
                };
                // SAFETY: the caller's contract. The tables are the plan's for this step, these panels and this block of k, or those of its
                // packed operands; `partial` is the place of the step's accumulators of this panel in the scratch.
                unsafe { self.column(call, panel.vectors) };
            }
            start = step.end;
        }
    }

    /// Cuts a step's rows into even tiles of at most the tallest instance.
    fn split_step(&mut self, rows: usize) {
        if self.splits.rows != rows {
            let (plan, table) = (self.plan, self.table);
            self.splits = Splits::new(rows, |vectors| match plan.pack_rows {
                true => plan.tallest,
                false => table.max_rows(vectors),
            });
        }
    }

    /// Packs the panels of a block into the scratch, unless they are there or the caller packed them.
    ///
    /// # Safety
    /// The lane operand, under the batch element's offset, is readable for the lanes of these panels at each of `k`, as in [`Run::block`].
    /// `lane_scratch` holds [`Contraction::lane_elements`] elements of this run alone.
    unsafe fn pack_block(
        &mut self,
        offset: BatchOffset,
        batch: usize,
        panels: &Range<usize>,
        k: &Range<usize>,
    ) {
        let plan = self.plan;
        if !plan.packed || !self.prepacked.is_null() {
            return;
        }
        let key = Some((
            if plan.lanes_vary { batch } else { 0 },
            panels.clone(),
            k.start,
        ));
        if self.held == key {
            return;
        }
        let lane = self.lane.wrapping_offset(offset.lane);
        if plan.lies_in_lines(panels) {
            // SAFETY: the caller's contract; the scratch holds the widest block of lanes for the longest block of k.
            unsafe { plan.pack_lines(lane, self.lane_scratch, panels.clone(), k.clone()) };
            self.held = key;
            return;
        }
        let mut target = self.lane_scratch;
        for &panel in &plan.panels[panels.clone()] {
            // SAFETY: the caller's contract; the scratch holds the widest block of lanes for the longest block of k, panel after panel.
            unsafe { plan.pack_panel(lane, target, panel, k.clone()) };
            target = target.wrapping_add(panel.vectors * plan.lanes * k.len());
        }
        self.held = key;
    }

    /// The end of the panels from the first one on that are as wide as it and wholly wanted (at least the first).
    fn alike(&self, panels: Range<usize>, lanes: &Range<usize>) -> usize {
        let all = &self.plan.panels[panels.clone()];
        let alike = |panel: &&Panel| {
            panel.vectors == all[0].vectors
                && self.vectors[panel.first].lane as usize >= lanes.start
                && self.panel_end(**panel) <= lanes.end
        };
        panels.start + all.iter().take_while(alike).count().max(1)
    }

    /// A panel's vectors, cut to the wanted lanes.
    fn cut_vectors<'b>(
        &'b self,
        panel: Panel,
        lanes: &Range<usize>,
        room: &'b mut [Vector; MAX_VECTORS],
    ) -> &'b [Vector] {
        let all = &self.vectors[panel.first..panel.first + panel.vectors];
        let first = all[0].lane as usize;
        if first >= lanes.start && self.panel_end(panel) <= lanes.end {
            return all;
        }
        let cut = &mut room[..panel.vectors];
        for (vector, part) in all.iter().zip(cut.iter_mut()) {
            let lane = vector.lane as usize;
            let start = lanes.start.clamp(lane, lane + vector.count as usize);
            let end = lanes.end.clamp(start, lane + vector.count as usize);
            *part = Vector {
                lane: start as u32,
                skip: vector.skip + (start - lane) as u8,
                count: (end - start) as u8,
                ..*vector
            };
        }
        cut
    }

    /// Packs the rows of one step, tile after tile, and notes where each row begins.
    ///
    /// # Safety
    /// `row` is the row operand with its batch offset applied, readable for these rows at each of `k`. `row_scratch` holds as many elements of
    /// this run alone, and 7 spare ones behind them: a step is at most `row_step` rows, `k` at most `k_block` long.
    unsafe fn pack_step(
        &self,
        row: *const T,
        step: &Range<usize>,
        k: &Range<usize>,
        begins: &mut [i32; ROW_BLOCK],
    ) {
        let rows = &self.plan.rows[step.clone()];
        let in_lines = rows.windows(2).all(|pair| pair[1] == pair[0] + 1);
        let mut done = 0;
        for (tiles, size) in split_rows(step.len(), self.plan.tallest) {
            if in_lines && tiles > 0 {
                let first = row.wrapping_offset(rows[done] as isize);
                let target = self.row_scratch.wrapping_add(done * k.len());
                // SAFETY: the caller's contract; the tiles' rows lie side by side, and tiles have at most `tallest` rows.
                unsafe { pack_row_lines(first, &self.plan.row_k[k.clone()], target, tiles, size) };
                for at in 0..tiles * size {
                    begins[done + at] = ((done + at / size * size) * k.len() + at % size) as i32;
                }
                done += tiles * size;
                continue;
            }
            for _ in 0..tiles {
                let lanes = &self.plan.rows[step.start + done..step.start + done + size];
                let source = Source {
                    base: row,
                    lanes,
                    sums: &self.plan.row_k[k.clone()],
                };
                let start = done * k.len();
                // SAFETY: the caller's contract; tiles are packed in order, so what runs over is written later, and behind the last one it
                // meets the spare elements.
                unsafe { T::pack(self.plan.isa, &source, self.row_scratch.add(start), size) };
                for (i, begin) in begins[done..done + size].iter_mut().enumerate() {
                    *begin = (start + i) as i32;
                }
                done += size;
            }
        }
    }

    /// One column of tiles: the rows of the step.
    ///
    /// # Safety
    /// As for a [`TileFunction`](super::tile::TileFunction) of `vectors` vectors and each height that the step's rows are cut into. The tables
    /// of rows are those of the whole step, `start` and `partial` begin with its first tile; `tiles` and, for packed rows, `a_k` are set here.
    unsafe fn column(&self, call: TileCall<'_, T>, vectors: usize) {
        let mut call = call;
        let (a_rows, c_rows) = (call.a_rows, call.c_rows);
        let packed = self.plan.pack_rows;
        let mut row = 0;
        for (tiles, size) in self.splits.tiles[vectors] {
            let Some(function) = self.table.function(size, vectors).filter(|_| tiles > 0) else {
                continue;
            };
            let covered = row..row + tiles * size;
            call.tiles = tiles;
            call.a_rows = &a_rows[covered.clone()];
            call.c_rows = &c_rows[covered.clone()];
            if packed {
                call.a_k = &self.plan.tile_k[size][..call.a_k.len()];
            }
            // SAFETY: the caller's contract, for these rows; the plan's instruction set is there, since a `Cpu` has it.
            unsafe { function(&call) };
            let elements = covered.len() * vectors * self.plan.lanes;
            if !call.start.is_null() {
                call.start = call.start.wrapping_add(elements);
            }
            if !call.partial.is_null() {
                call.partial = call.partial.wrapping_add(elements);
            }
            row = covered.end;
        }
    }
}
