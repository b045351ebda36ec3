//! Small contractions in tiles of registers.
//!
//! A product of some thousand multiply-adds is over before the contraction engine has packed its operands and made its calls. Here it is
//! code among the other loops of its kernel: some rows of one operand times some vectors of the other, all their sums in registers while
//! the reduction's indices are walked. Operands are read where they lie: an element of the one for all lanes, vectors of the other. Each
//! sum is one chain in order, a fused multiply-add after the other from zero, as in the engine, so the bits are the engine's.
//!
//! before: for each row, for each reduction index: as many multiply-adds as a row has vectors, each waiting for the one before
//! after:  for each tile of rows and vectors, for each reduction index: up to twelve multiply-adds that do not wait for one another
use super::memory;
use super::nest::{Mode, NestEmitter};
use super::normal::stride;
use super::state::Int;
use crate::base::types::DType;
use crate::kir::Access;
use crate::tir::Affine;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::Variable;

/// Sums of a tile, at most: vectors in registers beside those of the operands.
const MOST_SUMS: usize = 12;
/// Registers for vectors.
const REGISTERS: usize = 16;
/// Lanes of a vector.
const LANES: usize = 4;
/// Multiply-adds that are under way at once: fewer sums wait for one another.
const UNDER_WAY: usize = 8;

/// How a contraction is cut into tiles.
struct Tiling {
    /// The index along the lanes, and the one of a tile's rows.
    lanes: usize,
    rows: Option<usize>,
    /// The access whose elements lie in lanes, and the one whose elements are the same for all lanes.
    vector: usize,
    scalar: usize,
    /// Rows and vectors of a tile.
    height: usize,
    width: usize,
}

/// Vectors of a tile: the first lane's place, and how many lanes there are.
type Columns = Vec<(i64, usize)>;

/// Offsets so far, in elements: of the vectors' access, the scalars', the store.
type Offsets = [Int; 3];

impl NestEmitter<'_, '_> {
    /// Emits the whole nest in tiles of registers where it is a plain contraction of `f32` without a range; `false` where it is not.
    pub(super) fn tiled(&mut self) -> bool {
        let Some(tiling) = self.tiling() else {
            return false;
        };
        let [vector, scalar, store] = self.expressions(&tiling);
        let offsets = [vector, scalar, store].map(|e| Int::Known(e.offset()));
        let others = (0..self.nest.free.len())
            .filter(|&index| index != tiling.lanes && Some(index) != tiling.rows)
            .collect::<Vec<_>>();
        self.around(&tiling, &others, offsets);
        true
    }

    fn expressions(&self, tiling: &Tiling) -> [Affine; 3] {
        let of = |access: usize| self.nest.accesses[access].offset.clone();
        let store = self.nest.store.offset.clone();
        [of(tiling.vector), of(tiling.scalar), store]
    }

    /// The best tiling, if there is one.
    fn tiling(&self) -> Option<Tiling> {
        let nest = self.nest;
        let (a, b) = self.factors()?;
        let plain = |access: &Access| {
            access.gathers.is_empty()
                && access.offset.divisor() == 1
                && self.buffers[access.buffer as usize] == DType::F32
        };
        let fits = self.mode == Mode::Chain
            && self.outer == 0
            && a != b
            && nest.accesses.len() == 2
            && nest.accesses.iter().all(plain)
            && self.conditions.is_empty()
            && !nest.store.accumulate
            && nest.store.offset.divisor() == 1
            && self.buffers[nest.store.buffer as usize] == DType::F32
            && self.displacements_are_short();
        if !fits {
            return None;
        }
        let moves =
            |access: usize, index: usize| nest.accesses[access].offset.coefficient(index) != 0;
        let own = |this: usize, other: usize| {
            (0..nest.free.len()).filter(move |&i| moves(this, i) && !moves(other, i))
        };
        let mut best: Option<(usize, Tiling)> = None;
        for (vector, scalar) in [(b, a), (a, b)] {
            let rows = own(scalar, vector).max_by_key(|&index| nest.free[index]);
            for lanes in own(vector, scalar) {
                for (height, width) in sizes() {
                    let tiling = Tiling {
                        lanes,
                        rows,
                        vector,
                        scalar,
                        height,
                        width,
                    };
                    let cost = self.cost(&tiling);
                    if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                        best = Some((cost, tiling));
                    }
                }
            }
        }
        best.map(|(_, tiling)| tiling)
    }

    /// Whether every place in a tile is within what an instruction's displacement says.
    fn displacements_are_short(&self) -> bool {
        let offsets = self.nest.accesses.iter().map(|access| &access.offset);
        offsets.chain([&self.nest.store.offset]).all(|e| {
            let (low, high) = e.range(&self.extents);
            let most = i64::from(i32::MAX) / 8;
            (high - low) < most && low > -most && high < most
        })
    }

    fn is_unit(&self, access: usize, index: usize) -> bool {
        stride(&self.nest.accesses[access].offset, index) == Some(1)
    }

    /// About how many half cycles one turn of the sum takes, over all tiles, with its share of the stores.
    fn cost(&self, tiling: &Tiling) -> usize {
        let rows = tiling.rows.map_or(1, |index| self.extents[index]);
        let lanes = self.extents[tiling.lanes];
        let vectors = lanes.div_ceil(LANES);
        let load = match (self.is_unit(tiling.vector, tiling.lanes), lanes) {
            (true, LANES..) => 1,
            (_, few) => 2 * few.min(LANES) - 1,
        };
        let (height, width) = (tiling.height.min(rows), tiling.width.min(vectors));
        let sums = height * width;
        let turn = UNDER_WAY.max(sums).max(width * load + height) + 2;
        let tiles = rows.div_ceil(height) * vectors.div_ceil(width);
        let along = self.nest.store.offset.coefficient(tiling.lanes) == 1;
        let store = if along { 1 } else { LANES };
        let terms: usize = self.nest.reduce.iter().product();
        tiles * turn + rows * vectors * store / terms.max(1)
    }

    /// Loops over the indices that are neither lanes nor rows.
    fn around(&mut self, tiling: &Tiling, indices: &[usize], offsets: Offsets) {
        let Some((&index, rest)) = indices.split_first() else {
            self.all_rows(tiling, offsets);
            return;
        };
        let extent = self.extents[index] as i64;
        let open = self.open_loop(Int::Known(0), Int::Known(extent));
        let here = self.moved(tiling, offsets, index, Int::Running(open.index));
        self.around(tiling, rest, here);
        self.close_loop(open, Int::Known(1));
    }

    /// Offsets with an index at a value.
    fn moved(&mut self, tiling: &Tiling, offsets: Offsets, index: usize, value: Int) -> Offsets {
        let expressions = self.expressions(tiling);
        let mut moved = offsets;
        for (offset, e) in moved.iter_mut().zip(&expressions) {
            let coefficient = e.coefficient(index);
            if coefficient != 0 {
                let part = value.times(self.builder, coefficient);
                *offset = offset.add(self.builder, part);
            }
        }
        moved
    }

    fn all_rows(&mut self, tiling: &Tiling, offsets: Offsets) {
        let Some(index) = tiling.rows else {
            self.all_columns(tiling, 1, offsets);
            return;
        };
        let rows = self.extents[index];
        // As many tiles as it takes, all as high as one another where that goes.
        let height = rows.div_ceil(rows.div_ceil(tiling.height));
        let whole = rows / height * height;
        self.repeated(height, whole, &mut |this, value| {
            let here = this.moved(tiling, offsets, index, value);
            this.all_columns(tiling, height, here);
        });
        if whole < rows {
            let here = self.moved(tiling, offsets, index, Int::Known(whole as i64));
            self.all_columns(tiling, rows - whole, here);
        }
    }

    /// Emits what is done at `0`, `step`, ... below `end`: a loop where that is more than once.
    fn repeated(&mut self, step: usize, end: usize, emit: &mut dyn FnMut(&mut Self, Int)) {
        if end <= step {
            emit(self, Int::Known(0));
            return;
        }
        let open = self.open_loop(Int::Known(0), Int::Known(end as i64));
        emit(self, Int::Running(open.index));
        self.close_loop(open, Int::Known(step as i64));
    }

    fn all_columns(&mut self, tiling: &Tiling, height: usize, offsets: Offsets) {
        let index = tiling.lanes;
        let lanes = self.extents[index];
        if lanes < LANES {
            self.register_tile(tiling, height, &vec![(0, lanes)], offsets);
            return;
        }
        let across = tiling.width * LANES;
        let whole = lanes / across * across;
        let columns = |width: usize| (0..width).map(|at| ((at * LANES) as i64, LANES));
        if whole > 0 {
            self.repeated(across, whole, &mut |this, value| {
                let here = this.moved(tiling, offsets, index, value);
                this.register_tile(tiling, height, &columns(tiling.width).collect(), here);
            });
        }
        if whole < lanes {
            // The last vector ends at the end: some elements may be computed twice.
            let left = lanes - whole;
            let mut last: Columns = columns(left / LANES).collect();
            if !left.is_multiple_of(LANES) {
                last.push((left as i64 - LANES as i64, LANES));
            }
            let here = self.moved(tiling, offsets, index, Int::Known(whole as i64));
            self.register_tile(tiling, height, &last, here);
        }
    }

    /// One tile: its sums over all indices of the reduction, stored.
    fn register_tile(
        &mut self,
        tiling: &Tiling,
        height: usize,
        columns: &Columns,
        offsets: Offsets,
    ) {
        let zero = self.wide_identity(LANES);
        let sums: Vec<Variable> = (0..height * columns.len())
            .map(|_| {
                let variable = self.builder.declare_var(types::F32X4);
                self.builder.def_var(variable, zero);
                variable
            })
            .collect();
        let reduce: Vec<usize> = (self.nest.free.len()..self.extents.len()).collect();
        self.sums(tiling, (height, columns), &reduce, offsets, &sums);
        let store = &self.nest.store;
        let place = self.address(store.buffer, offsets[2]);
        let along = store.offset.coefficient(tiling.lanes);
        let down = tiling
            .rows
            .map_or(0, |index| store.offset.coefficient(index));
        for (at, &sum) in sums.iter().enumerate() {
            let (row, (first, lanes)) = (at / columns.len(), columns[at % columns.len()]);
            let value = self.builder.use_var(sum);
            let start = row as i64 * down + first * along;
            if along == 1 && lanes == LANES {
                memory::store_vector(self.builder, DType::F32, value, place, bytes(start));
                continue;
            }
            for lane in 0..lanes {
                let element = self.builder.ins().extractlane(value, lane as u8);
                let there = bytes(start + lane as i64 * along);
                memory::store(self.builder, element, place, there);
            }
        }
    }

    /// The address of an element.
    fn address(&mut self, buffer: u32, offset: Int) -> Value {
        let part = offset.times(self.builder, DType::F32.size() as i64);
        let base = Int::Running(self.bases[buffer as usize]);
        base.add(self.builder, part).value(self.builder)
    }

    /// The loops of the reduction, outermost first.
    fn sums(
        &mut self,
        tiling: &Tiling,
        tile: (usize, &Columns),
        indices: &[usize],
        offsets: Offsets,
        sums: &[Variable],
    ) {
        let Some((&index, rest)) = indices.split_first() else {
            self.multiply_adds(tiling, tile, offsets, sums);
            return;
        };
        let extent = self.extents[index] as i64;
        let open = self.open_loop(Int::Known(0), Int::Known(extent));
        let here = self.moved(tiling, offsets, index, Int::Running(open.index));
        self.sums(tiling, tile, rest, here, sums);
        self.close_loop(open, Int::Known(1));
    }

    /// One term of every sum of a tile.
    fn multiply_adds(
        &mut self,
        tiling: &Tiling,
        (height, columns): (usize, &Columns),
        offsets: Offsets,
        sums: &[Variable],
    ) {
        let nest = self.nest;
        let (vector, scalar) = (&nest.accesses[tiling.vector], &nest.accesses[tiling.scalar]);
        let place = self.address(vector.buffer, offsets[0]);
        let along = vector.offset.coefficient(tiling.lanes);
        let vectors: Vec<Value> = columns
            .iter()
            .map(|&(first, lanes)| self.lanes_at(place, (first * along, along), lanes))
            .collect();
        let place = self.address(scalar.buffer, offsets[1]);
        let down = tiling
            .rows
            .map_or(0, |index| scalar.offset.coefficient(index));
        for row in 0..height {
            let there = bytes(row as i64 * down);
            let element = memory::load(self.builder, DType::F32, place, there);
            let element = self.splat(element, DType::F32);
            for (column, &vector) in vectors.iter().enumerate() {
                let variable = sums[row * vectors.len() + column];
                let old = self.builder.use_var(variable);
                let new = self.fused(element, vector, old);
                self.builder.def_var(variable, new);
            }
        }
    }

    /// Elements from `first` on, so many apart, as the lanes of a vector; lanes beyond the last are zero.
    fn lanes_at(&mut self, place: Value, (first, apart): (i64, i64), lanes: usize) -> Value {
        if apart == 1 && lanes == LANES {
            let unaligned = self.features.unaligned;
            return memory::load_vector(self.builder, DType::F32, unaligned, place, bytes(first));
        }
        let element = |this: &mut Self, lane: usize| {
            let there = bytes(first + lane as i64 * apart);
            memory::load(this.builder, DType::F32, place, there)
        };
        let start = element(self, 0);
        let mut vector = self.builder.ins().scalar_to_vector(types::F32X4, start);
        for lane in 1..lanes {
            let next = element(self, lane);
            vector = self.builder.ins().insertlane(vector, next, lane as u8);
        }
        vector
    }
}

/// Rows and vectors that a tile may have.
fn sizes() -> impl Iterator<Item = (usize, usize)> {
    let widths = 1..=LANES;
    widths.flat_map(|width| {
        let most = (MOST_SUMS / width).min((REGISTERS - 1 - width) / width);
        (1..=most).map(move |height| (height, width))
    })
}

/// Bytes of so many elements.
fn bytes(elements: i64) -> i32 {
    // Short by `displacements_are_short`.
    (elements * DType::F32.size() as i64) as i32
}
