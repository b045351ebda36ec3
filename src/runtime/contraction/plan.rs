//! From a spec to a plan: offset tables, orientation, panels, blocks.
use super::cost::{
    MISS_CYCLES, Splits, cut_panels, misses, pack_cycles, pack_row_cycles, scatter_cycles,
};
use super::cpu::{Cpu, Isa};
use super::lanes::{layout, vectors_in_place, vectors_packed};
use super::spec::{ContractionError, ContractionSpec, Index, Operand, Orientation, piece_length};
use super::tile::{MAX_TILE, Tiled, Vector};
use crate::base::types::DType;
use std::ops::{Range, RangeInclusive};

/// Longest block of K, so that a panel of lanes stays in the first cache.
const K_BLOCK: usize = 256;
/// Bytes of packed lanes that one block may hold: half of a second-level cache.
const LANE_BLOCK_BYTES: usize = 256 << 10;
/// Rows that are walked under one block of lanes when accumulators must be kept between blocks of K.
pub(super) const ROW_CHUNK: usize = 1024;
/// Rows of the row operand that are walked for every panel before the next ones.
pub(super) const ROW_BLOCK: usize = 96;
/// Operations below which a task is not worth its start, and above which it should be cut.
const TASK_FLOPS: Range<f64> = 5e5..8e6;

/// Rows of a task that packs all lanes for itself, at least: packing then costs it some six parts in a hundred.
const PACKED_ROWS: usize = 64;

/// Columns of a task, at least: rows that it packs for itself then cost it some ten parts in a hundred, or nothing where they are read
/// in place.
const COLUMNS_OF_A_TASK: usize = 64;

/// A group of vectors that one column of tiles computes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    /// Its first vector.
    pub first: usize,
    /// Its number of vectors.
    pub vectors: usize,
}

/// Offsets of one batch element in the row operand, the lane operand and C, bases included.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchOffset {
    pub row: isize,
    pub lane: isize,
    pub c: isize,
}

/// A compiled contraction. Immutable; any number of threads may run disjoint row ranges of it.
#[derive(Debug, Clone)]
pub struct Contraction {
    pub(super) dtype: DType,
    pub(super) isa: Isa,
    pub(super) lanes: usize,
    pub(super) transposed: bool,
    pub(super) accumulate: bool,
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
    pub(super) batch: Vec<BatchOffset>,
    /// Whether the lane operand differs between batch elements.
    pub(super) lanes_vary: bool,
    pub(super) rows: Vec<i32>,
    pub(super) c_rows: Vec<i32>,
    pub(super) lane_sources: Vec<i32>,
    pub(super) c_lanes: Vec<i32>,
    /// Like `c_rows` and `c_lanes`, for a dense `[batch * m, n]` result.
    pub(super) dense_rows: Vec<i32>,
    pub(super) dense_lanes: Vec<i32>,
    pub(super) row_k: Vec<i32>,
    pub(super) lane_k: Vec<i32>,
    pub(super) packed: bool,
    pub(super) pack_rows: bool,
    pub(super) vectors: Vec<Vector>,
    pub(super) dense_vectors: Vec<Vector>,
    pub(super) panels: Vec<Panel>,
    /// Ranges of panels that are packed and walked together.
    pub(super) lane_blocks: Vec<Range<usize>>,
    /// For each number of vectors, `k * vectors * lanes`.
    pub(super) panel_k: Vec<Vec<i32>>,
    /// For each number of rows, `k * rows`; empty unless rows are packed.
    pub(super) tile_k: Vec<Vec<i32>>,
    pub(super) piece: usize,
    pub(super) k_block: usize,
    /// Rows of the row operand that are walked for every panel.
    pub(super) row_step: usize,
    /// The tallest tile of packed rows.
    pub(super) tallest: usize,
    /// The tiles of a step of all rows, or of as many as a step has.
    pub(super) splits: Splits,
    /// Vectors of the widest of `lane_blocks`.
    widest: usize,
    task_rows: usize,
    cost: f64,
    ranges: [Option<(isize, isize)>; 3],
}

/// Offsets of the composite indices of a spec in its operands. They are made once for all the ways to compute it that are weighed: of a
/// convolution they have as many elements as its result.
struct Tables {
    m: Vec<i32>,
    c_m: Vec<i32>,
    n: Vec<i32>,
    c_n: Vec<i32>,
    a_k: Vec<i32>,
    b_k: Vec<i32>,
}

/// The tables of a spec with its operands renamed to rows and lanes.
#[derive(Clone, Copy)]
pub(super) struct Oriented<'a> {
    pub transposed: bool,
    pub rows: &'a [i32],
    pub c_rows: &'a [i32],
    pub lanes: &'a [i32],
    pub c_lanes: &'a [i32],
    pub row_k: &'a [i32],
    pub lane_k: &'a [i32],
    pub lanes_vary: bool,
}

/// A way to compute it, with its cycles.
struct Choice<'a> {
    oriented: Oriented<'a>,
    packed: bool,
    vectors: Vec<Vector>,
    widths: Vec<usize>,
    pack_rows: bool,
    cycles: f64,
}

impl Contraction {
    /// Plans a contraction.
    ///
    /// # Errors
    /// A dtype that is not a float, an index with a stride it must not have, a span beyond 32-bit offsets.
    pub fn new(spec: &ContractionSpec, cpu: &Cpu) -> Result<Contraction, ContractionError> {
        match spec.dtype {
            DType::F32 => plan::<f32>(spec, cpu.isa()),
            DType::F64 => plan::<f64>(spec, cpu.isa()),
            DType::I32 | DType::Bool | DType::U8 => Err(ContractionError::Type(spec.dtype)),
        }
    }

    /// Rows of C: batch elements times M.
    pub fn rows(&self) -> usize {
        self.batch.len() * self.m
    }

    /// Columns of C.
    pub fn columns(&self) -> usize {
        self.n
    }

    /// Length of the sum.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Floating-point operations of the whole.
    pub fn flops(&self) -> f64 {
        2.0 * self.rows() as f64 * self.n as f64 * self.k as f64
    }

    /// Whether M lies along the lanes (A is read by vectors or packed) instead of N.
    pub fn transposed(&self) -> bool {
        self.transposed
    }

    /// Estimated cycles of the whole on one core.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// Number of natural row ranges.
    pub fn tasks(&self) -> usize {
        if self.m == 0 {
            0
        } else if self.task_rows >= self.m {
            self.batch.len().div_ceil(self.task_rows / self.m)
        } else {
            self.batch.len() * self.m.div_ceil(self.task_rows)
        }
    }

    /// The rows of one natural range; all of them together are all rows, in order, without overlap.
    pub fn task(&self, task: usize) -> Range<usize> {
        if self.task_rows >= self.m {
            let step = self.task_rows;
            return (task * step).min(self.rows())..((task + 1) * step).min(self.rows());
        }
        let blocks = self.m.div_ceil(self.task_rows);
        let (batch, block) = (task / blocks, task % blocks);
        let first = block * self.task_rows;
        batch * self.m + first..batch * self.m + (first + self.task_rows).min(self.m)
    }

    /// Number of column ranges that tasks may be cut into without repeating the work of packing lanes; 1 where rows are the better cut.
    pub fn column_tasks(&self) -> usize {
        if self.packed && !self.transposed && self.batch.len() == 1 {
            (self.n / COLUMNS_OF_A_TASK).clamp(1, self.panels.len().max(1))
        } else {
            1
        }
    }

    /// The columns of part `part` of `parts` (at most [`Contraction::column_tasks`]); all parts together are all columns, in order.
    pub fn columns_of(&self, part: usize, parts: usize) -> Range<usize> {
        let at = |part: usize| {
            let panel = self.panels.get(self.panels.len() * part / parts.max(1));
            panel.map_or(self.n, |panel| self.vectors[panel.first].lane as usize)
        };
        at(part)..at(part + 1)
    }

    /// Number of pieces of the sum.
    pub fn pieces(&self) -> usize {
        self.k.div_ceil(self.piece.max(1)).max(1)
    }

    /// Bytes of a dense partial result, for [`Contraction::run_piece`].
    pub fn partial_bytes(&self) -> usize {
        self.rows() * self.n * self.dtype.size()
    }

    /// The operand that can be packed once for many runs, if the plan packs at all.
    pub fn packs(&self) -> Option<Operand> {
        self.packed.then_some(if self.transposed {
            Operand::A
        } else {
            Operand::B
        })
    }

    /// Bytes of the operand of [`Contraction::packs`] packed whole; 0 if the plan reads it in place.
    pub fn pack_bytes(&self) -> usize {
        if !self.packed || self.m == 0 || self.n == 0 {
            return 0;
        }
        let batch = if self.lanes_vary { self.batch.len() } else { 1 };
        batch * self.k * self.vectors.len() * self.lanes * self.dtype.size()
    }

    /// Bytes of its offset tables, which are as long as the operands have rows and columns.
    pub fn table_bytes(&self) -> usize {
        let offsets = [
            &self.rows,
            &self.c_rows,
            &self.lane_sources,
            &self.c_lanes,
            &self.dense_rows,
            &self.dense_lanes,
            &self.row_k,
            &self.lane_k,
        ];
        let tables = offsets.into_iter().chain(&self.panel_k).chain(&self.tile_k);
        tables.map(|table| size_of_val(&**table)).sum::<usize>()
            + size_of_val(&*self.batch)
            + size_of_val(&*self.vectors)
            + size_of_val(&*self.dense_vectors)
            + size_of_val(&*self.panels)
    }

    /// Bytes of scratch for one running task, any alignment.
    pub fn scratch_bytes(&self) -> usize {
        let elements = self.spill_elements()
            + self.partial_elements()
            + self.lane_elements()
            + self.row_elements();
        elements * self.dtype.size() + 64
    }

    /// The least and greatest offset (elements) that a run touches in an operand; `None` if it touches none.
    /// A run may read, and ignore, any element between them.
    pub fn a_range(&self) -> Option<RangeInclusive<isize>> {
        self.ranges[0].map(|(least, greatest)| least..=greatest)
    }

    /// Like [`Contraction::a_range`], of B.
    pub fn b_range(&self) -> Option<RangeInclusive<isize>> {
        self.ranges[1].map(|(least, greatest)| least..=greatest)
    }

    /// Like [`Contraction::a_range`], of C, whose other elements are left alone.
    pub fn c_range(&self) -> Option<RangeInclusive<isize>> {
        self.ranges[2].map(|(least, greatest)| least..=greatest)
    }

    /// Elements for one spilled tile.
    pub(super) fn spill_elements(&self) -> usize {
        MAX_TILE
    }

    /// Elements for accumulators kept between blocks of K.
    pub(super) fn partial_elements(&self) -> usize {
        if self.piece <= self.k_block {
            return 0;
        }
        self.widest * self.lanes * self.rows.len().min(ROW_CHUNK)
    }

    /// Elements for one block of packed lanes.
    pub(super) fn lane_elements(&self) -> usize {
        if !self.packed {
            return 0;
        }
        self.widest * self.lanes * self.k_block
    }

    /// Elements for one block of packed rows, behind which the last vector of a low tile may be written.
    pub(super) fn row_elements(&self) -> usize {
        if self.pack_rows {
            self.row_step * self.k_block.next_multiple_of(16) + SPARE
        } else {
            0
        }
    }
}

/// Elements of a vector that packing a low tile may write behind its rows.
const SPARE: usize = 8;

fn plan<T: Tiled>(spec: &ContractionSpec, isa: Isa) -> Result<Contraction, ContractionError> {
    check_strides(spec)?;
    let table = T::table(isa);
    let max_rows = |vectors: usize| table.max_rows(vectors);
    let batch = batch_offsets(spec)?;
    let tables = Tables::of(spec)?;
    let mut best: Option<Choice<'_>> = None;
    for transposed in [false, true] {
        let excluded = if transposed {
            Orientation::LanesN
        } else {
            Orientation::LanesM
        };
        if spec.orientation == excluded {
            continue;
        }
        let oriented = tables.oriented(spec, transposed);
        for packed in [false, true] {
            if let Some(choice) = choose(
                spec,
                oriented,
                packed,
                (table.lanes, table.parts),
                &max_rows,
            ) && best.as_ref().is_none_or(|best| choice.cycles < best.cycles)
            {
                best = Some(choice);
            }
        }
    }
    // Packing is always possible, so there is a choice; a spec too large for one was refused with its tables.
    let choice = best.ok_or(ContractionError::TooLarge("C"))?;
    Ok(build(spec, isa, batch, choice, table.lanes, &max_rows))
}

fn check_strides(spec: &ContractionSpec) -> Result<(), ContractionError> {
    type Nest<'a> = (&'static str, &'a [Index], &'static str, fn(&Index) -> isize);
    let nests: [Nest<'_>; 3] = [
        ("m", &spec.m, "B", |index| index.b),
        ("n", &spec.n, "A", |index| index.a),
        ("k", &spec.k, "C", |index| index.c),
    ];
    for (nest, indices, operand, stride) in nests {
        if let Some(index) = indices.iter().find(|index| stride(index) != 0) {
            return Err(ContractionError::Stride {
                extent: index.extent,
                nest,
                operand,
            });
        }
    }
    Ok(())
}

/// Number of values of a composite index.
fn count(nest: &[Index], operand: &'static str) -> Result<usize, ContractionError> {
    nest.iter()
        .try_fold(1_usize, |product, index| product.checked_mul(index.extent))
        .filter(|&count| count <= i32::MAX as usize)
        .ok_or(ContractionError::TooLarge(operand))
}

/// Offsets of a composite index in one operand, in row-major order of the nest.
fn offsets(
    nest: &[Index],
    stride: fn(&Index) -> isize,
    operand: &'static str,
) -> Result<Vec<i32>, ContractionError> {
    let total = count(nest, operand)?;
    let mut table = Vec::with_capacity(total);
    if total == 0 {
        return Ok(table);
    }
    let (mut least, mut greatest) = (0_i32, 0_i32);
    table.push(0);
    for index in nest {
        let too_large = ContractionError::TooLarge(operand);
        let step = i32::try_from(stride(index));
        let step = if index.extent == 1 {
            0
        } else {
            step.map_err(|_| too_large)?
        };
        let last = step.checked_mul(index.extent as i32 - 1);
        let reach = last.and_then(|last| {
            least = least.checked_add(last.min(0))?;
            greatest = greatest.checked_add(last.max(0))?;
            Some(())
        });
        reach.ok_or(ContractionError::TooLarge(operand))?;
        let mut longer = Vec::with_capacity(table.len() * index.extent);
        for &outer in &table {
            longer.extend((0..index.extent as i32).map(|inner| outer + inner * step));
        }
        table = longer;
    }
    Ok(table)
}

fn batch_offsets(spec: &ContractionSpec) -> Result<Vec<[isize; 3]>, ContractionError> {
    let a = offsets(&spec.batch, |index| index.a, "A")?;
    let b = offsets(&spec.batch, |index| index.b, "B")?;
    let c = offsets(&spec.batch, |index| index.c, "C")?;
    let based = |offset: i32, base: isize| offset as isize + base;
    Ok((0..a.len())
        .map(|i| {
            [
                based(a[i], spec.a_base),
                based(b[i], spec.b_base),
                based(c[i], spec.c_base),
            ]
        })
        .collect())
}

impl Tables {
    fn of(spec: &ContractionSpec) -> Result<Tables, ContractionError> {
        Ok(Tables {
            m: offsets(&spec.m, |index| index.a, "A")?,
            c_m: offsets(&spec.m, |index| index.c, "C")?,
            n: offsets(&spec.n, |index| index.b, "B")?,
            c_n: offsets(&spec.n, |index| index.c, "C")?,
            a_k: offsets(&spec.k, |index| index.a, "A")?,
            b_k: offsets(&spec.k, |index| index.b, "B")?,
        })
    }

    fn oriented(&self, spec: &ContractionSpec, transposed: bool) -> Oriented<'_> {
        let varies = |stride: fn(&Index) -> isize| {
            spec.batch
                .iter()
                .any(|index| index.extent > 1 && stride(index) != 0)
        };
        if transposed {
            Oriented {
                transposed,
                rows: &self.n,
                c_rows: &self.c_n,
                lanes: &self.m,
                c_lanes: &self.c_m,
                row_k: &self.b_k,
                lane_k: &self.a_k,
                lanes_vary: varies(|index| index.a),
            }
        } else {
            Oriented {
                transposed,
                rows: &self.m,
                c_rows: &self.c_m,
                lanes: &self.n,
                c_lanes: &self.c_n,
                row_k: &self.a_k,
                lane_k: &self.b_k,
                lanes_vary: varies(|index| index.b),
            }
        }
    }
}

fn choose<'a>(
    spec: &ContractionSpec,
    oriented: Oriented<'a>,
    packed: bool,
    (lanes, parts): (usize, bool),
    max_rows: &dyn Fn(usize) -> usize,
) -> Option<Choice<'a>> {
    let (rows, k) = (oriented.rows.len(), oriented.row_k.len());
    let overlap = !spec.accumulate && k <= piece_length(k);
    let vectors = if packed {
        vectors_packed(oriented.c_lanes, lanes, overlap)
    } else {
        vectors_in_place(&oriented, lanes, overlap)?
    };
    let batch = spec
        .batch
        .iter()
        .map(|index| index.extent)
        .product::<usize>() as f64;
    let (widths, mut cycles) = cut_panels(vectors.len(), rows, k, max_rows);
    let scattered: usize = vectors
        .iter()
        .filter(|vector| !vector.contiguous || (!parts && (vector.count as usize) < lanes))
        .map(|vector| vector.count as usize)
        .sum();
    cycles += scatter_cycles(scattered * rows);
    let tallest = widths
        .iter()
        .map(|&width| max_rows(width))
        .min()
        .unwrap_or(1)
        .max(1);
    let element = spec.dtype.size();
    let (in_place, by_packing) = row_cycles(&oriented, &widths, tallest, element);
    cycles += in_place.min(by_packing);
    if !packed {
        let widest = widths.iter().copied().max().unwrap_or(1);
        let starts: Vec<i32> = vectors
            .iter()
            .take(widest)
            .map(|vector| vector.source)
            .collect();
        let sums = &oriented.lane_k[..block_length(k).min(k)];
        let each = misses(&[&starts, &starts], sums, element, lanes * element, 1) * MISS_CYCLES;
        cycles += each * (k * rows.div_ceil(tallest) * widths.len()) as f64;
    }
    cycles *= batch;
    if packed && !spec.prepacked {
        let times = if oriented.lanes_vary { batch } else { 1.0 };
        let layout = layout(oriented.lanes, oriented.lane_k, lanes);
        cycles += times * (vectors.len() * k) as f64 * pack_cycles(layout, lanes);
    }
    Some(Choice {
        oriented,
        packed,
        vectors,
        widths,
        pack_rows: by_packing < in_place,
        cycles,
    })
}

/// Cycles that reading the row operand costs beyond the first-level cache, in place and packed.
fn row_cycles(
    oriented: &Oriented<'_>,
    widths: &[usize],
    tallest: usize,
    element: usize,
) -> (f64, f64) {
    let (rows, k) = (oriented.rows.len(), oriented.row_k.len());
    let sums = &oriented.row_k[..block_length(k).min(k)];
    let passes: Vec<&[i32]> = oriented.rows.chunks(tallest).take(4).collect();
    if passes.is_empty() || sums.is_empty() {
        return (0.0, f64::INFINITY);
    }
    let tiles = (rows.div_ceil(tallest) * widths.len() * k) as f64;
    let in_place = misses(&passes, sums, element, element, 0) * MISS_CYCLES * tiles;
    let least = tallest as f64 * element as f64 / 64.0 * MISS_CYCLES * tiles;
    let layout = layout(oriented.rows, oriented.row_k, tallest.min(8));
    (
        in_place,
        least + pack_row_cycles(layout) * (rows * k) as f64,
    )
}

fn build(
    spec: &ContractionSpec,
    isa: Isa,
    batch: Vec<[isize; 3]>,
    choice: Choice<'_>,
    lanes: usize,
    max_rows: &dyn Fn(usize) -> usize,
) -> Contraction {
    let Choice {
        oriented,
        packed,
        mut vectors,
        widths,
        pack_rows,
        cycles,
    } = choice;
    let transposed = oriented.transposed;
    let k = oriented.row_k.len();
    let (piece, k_block) = (piece_length(k), block_length(k));
    let mut panels = Vec::with_capacity(widths.len());
    let mut first = 0;
    for width in widths {
        panels.push(Panel {
            first,
            vectors: width,
        });
        if packed {
            for (number, vector) in vectors[first..first + width].iter_mut().enumerate() {
                vector.source = (number * lanes) as i32;
            }
        }
        first += width;
    }
    let dense_vectors = vectors
        .iter()
        .map(|vector| Vector {
            contiguous: !transposed,
            ..*vector
        })
        .collect();
    let lane_blocks = cut_lane_blocks(
        &panels,
        lanes * k_block * spec.dtype.size(),
        LANE_BLOCK_BYTES,
    );
    let (m, n) = if transposed {
        (oriented.lanes.len(), oriented.rows.len())
    } else {
        (oriented.rows.len(), oriented.lanes.len())
    };
    let ranges = operand_ranges(&oriented, &batch, k);
    let batch: Vec<BatchOffset> = batch
        .into_iter()
        .map(|[a, b, c]| {
            if transposed {
                BatchOffset { row: b, lane: a, c }
            } else {
                BatchOffset { row: a, lane: b, c }
            }
        })
        .collect();
    let (row_stride, lane_stride) = if transposed { (1, n) } else { (n, 1) };
    let dense = |count: usize, stride: usize| {
        (0..count)
            .map(|i| (i * stride) as i32)
            .collect::<Vec<i32>>()
    };
    let widest_panel = panels.iter().map(|panel| panel.vectors).max().unwrap_or(1);
    let align = if transposed {
        widest_panel * lanes
    } else {
        max_rows(widest_panel).max(1)
    };
    let tallest = panels
        .iter()
        .map(|panel| max_rows(panel.vectors))
        .min()
        .unwrap_or(1);
    let height = |vectors: usize| match pack_rows {
        true => tallest,
        false => max_rows(vectors),
    };
    let widths = |block: &Range<usize>| panels[block.clone()].iter().map(|panel| panel.vectors);
    let widest = lane_blocks.iter().map(|block| widths(block).sum()).max();
    let least = if packed && !spec.prepacked && !transposed {
        PACKED_ROWS
    } else {
        1
    };
    let steps = |size: usize| {
        (0..k_block)
            .map(|k| (k * size) as i32)
            .collect::<Vec<i32>>()
    };
    let used = |vectors: usize| packed && panels.iter().any(|panel| panel.vectors == vectors);
    Contraction {
        dtype: spec.dtype,
        isa,
        lanes,
        transposed,
        accumulate: spec.accumulate,
        m,
        n,
        k,
        task_rows: task_rows((m, n, k, batch.len()), align, least),
        batch,
        lanes_vary: oriented.lanes_vary,
        dense_rows: dense(oriented.rows.len(), row_stride),
        dense_lanes: dense(oriented.lanes.len(), lane_stride),
        rows: oriented.rows.to_vec(),
        c_rows: oriented.c_rows.to_vec(),
        lane_sources: oriented.lanes.to_vec(),
        c_lanes: oriented.c_lanes.to_vec(),
        row_k: oriented.row_k.to_vec(),
        lane_k: oriented.lane_k.to_vec(),
        packed,
        pack_rows,
        panel_k: (0..=super::tile::MAX_VECTORS)
            .map(|vectors| {
                if used(vectors) {
                    steps(vectors * lanes)
                } else {
                    Vec::new()
                }
            })
            .collect(),
        tile_k: if pack_rows {
            (0..=tallest).map(steps).collect()
        } else {
            Vec::new()
        },
        vectors,
        dense_vectors,
        panels,
        lane_blocks,
        piece,
        k_block,
        row_step: ROW_BLOCK,
        tallest,
        splits: Splits::new(oriented.rows.len().min(ROW_BLOCK), height),
        widest: widest.unwrap_or(0),
        cost: cycles,
        ranges,
    }
}

/// Elements of one block of K: a piece in the fewest equal parts of at most [`K_BLOCK`].
fn block_length(k: usize) -> usize {
    let piece = piece_length(k);
    piece.div_ceil(piece.div_ceil(K_BLOCK).max(1)).max(1)
}

fn cut_lane_blocks(panels: &[Panel], vector_bytes: usize, block_bytes: usize) -> Vec<Range<usize>> {
    let most = (block_bytes / vector_bytes.max(1)).max(1);
    let mut blocks = Vec::new();
    let (mut start, mut vectors) = (0, 0);
    for (number, panel) in panels.iter().enumerate() {
        if vectors > 0 && vectors + panel.vectors > most {
            blocks.push(start..number);
            (start, vectors) = (number, 0);
        }
        vectors += panel.vectors;
    }
    if start < panels.len() {
        blocks.push(start..panels.len());
    }
    blocks
}

/// Rows of one task: whole batch elements while these are small, otherwise a multiple of `align` rows; at least `least`.
fn task_rows((m, n, k, batch): (usize, usize, usize, usize), align: usize, least: usize) -> usize {
    let row = (2.0 * n as f64 * k.max(1) as f64).max(1.0);
    let target = (row * (m * batch) as f64 / 16.0).clamp(TASK_FLOPS.start, TASK_FLOPS.end);
    let rows = ((target / row).ceil() as usize).max(least);
    let m = m.max(1);
    if rows >= m {
        return (rows / m).clamp(1, batch.max(1)) * m;
    }
    let blocks = m.div_ceil(rows.next_multiple_of(align));
    m.div_ceil(blocks).next_multiple_of(align).min(m)
}

/// Least and greatest offsets in A, B and C.
fn operand_ranges(
    oriented: &Oriented<'_>,
    batch: &[[isize; 3]],
    k: usize,
) -> [Option<(isize, isize)>; 3] {
    let short =
        |table: &[i32]| Some((*table.iter().min()? as isize, *table.iter().max()? as isize));
    let long = |operand: usize| {
        let offsets = batch.iter().map(|offsets| offsets[operand]);
        Some((offsets.clone().min()?, offsets.max()?))
    };
    let sum = |parts: [Option<(isize, isize)>; 3]| {
        parts.into_iter().try_fold((0, 0), |total, part| {
            part.map(|part| (total.0 + part.0, total.1 + part.1))
        })
    };
    let sums = |table: &[i32]| if k == 0 { None } else { short(table) };
    let (row, lane) = if oriented.transposed { (1, 0) } else { (0, 1) };
    let occurs = !oriented.rows.is_empty() && !oriented.lanes.is_empty();
    let mut ranges = [None; 3];
    if occurs {
        ranges[row] = sum([long(row), short(oriented.rows), sums(oriented.row_k)]);
        ranges[lane] = sum([long(lane), short(oriented.lanes), sums(oriented.lane_k)]);
        ranges[2] = sum([long(2), short(oriented.c_rows), short(oriented.c_lanes)]);
    }
    ranges
}
