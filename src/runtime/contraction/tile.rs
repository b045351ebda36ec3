//! The register tiles: `MR` rows by `NV` vectors of accumulators, one generic body, one table of instances.
// Loops over constant bounds with plain indices are what unrolls into registers.
#![allow(clippy::needless_range_loop)]
use super::cpu::Isa;
use super::pack::{Source, pack_f32, pack_plain, prefetch_for_writing};
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2F32, Avx2F64, Avx512F32, Avx512F64};
use super::simd::{Plain, Scalar, Simd};

/// The most vectors of one tile.
pub(super) const MAX_VECTORS: usize = 8;
/// The most rows of a tile.
const MAX_ROWS: usize = 8;
/// Elements that a tile of any instance holds at most.
pub(super) const MAX_TILE: usize = 24 * 16;

/// One vector of lanes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Vector {
    /// Offset of its first element in the lane operand (or in its packed panel).
    pub source: i32,
    /// The lane index of its first wanted element.
    pub lane: u32,
    /// Elements before the first wanted one (a vector shifted back from the end of a buffer).
    pub skip: u8,
    /// Wanted elements.
    pub count: u8,
    /// Whether the wanted elements lie side by side in C.
    pub contiguous: bool,
}

/// One call of a microkernel: `tiles` tiles of `MR` rows, one below the other.
pub(super) struct TileCall<'a, T> {
    pub tiles: usize,
    /// The row operand: element (r, k) is at `a + a_rows[r] + a_k[k]`.
    pub a: *const T,
    pub a_rows: &'a [i32],
    pub a_k: &'a [i32],
    /// The lane operand: vector v at k starts at `b + vectors[v].source + b_k[k]`.
    pub b: *const T,
    /// Several panels side by side are computed one after the other, if their sums are whole (no `start`, no `partial`).
    pub vectors: &'a [Vector],
    /// From one panel to the next, in elements of `b`.
    pub b_step: usize,
    pub b_k: &'a [i32],
    /// Accumulators so far, tile after tile, rows by vectors; null: start at +0.
    pub start: *const T,
    /// Where to leave the accumulators in the same form; null: they are done and go to C.
    pub partial: *mut T,
    /// C: element (r, lane) is at `c + c_rows[r] + c_lanes[lane]`.
    pub c: *mut T,
    pub c_rows: &'a [i32],
    pub c_lanes: &'a [i32],
    /// Add to C instead of overwriting it.
    pub add: bool,
    /// Ask for the lines of C ahead: it is too large to lie in a near cache.
    pub far: bool,
    /// Room for one tile.
    pub spill: *mut T,
}

/// A microkernel, of so many rows (`MR`) and vectors (`NV`).
///
/// # Safety
/// - The processor has its instruction set.
/// - `a_rows` and `c_rows` hold `tiles * MR` offsets, `b_k` as many as `a_k`. `vectors` are panels of `NV`, more than one only where `start`
///   and `partial` are null.
/// - Each vector is what its fields say: `skip + count` is at most its lanes, `lane` and the `count` lanes from there on are in `c_lanes`.
/// - All elements of A and whole vectors of B that the offsets name are readable, and the wanted elements of C readable and writable for
///   this call alone.
/// - `start` and `partial` are null or hold `tiles` tiles, and `spill` one, for this call alone.
pub(super) type TileFunction<T> = unsafe fn(&TileCall<'_, T>);

/// One row of the table.
#[derive(Clone, Copy)]
pub(super) struct TileRow<T: 'static> {
    /// Rows of accumulators.
    pub rows: usize,
    /// Vectors of accumulators.
    pub vectors: usize,
    /// The microkernel.
    pub function: TileFunction<T>,
}

/// The instances of one instruction set and element type.
pub(super) struct TileTable<T: 'static> {
    /// Elements of a vector.
    pub lanes: usize,
    /// Whether vectors that are only partly wanted go to C directly.
    pub parts: bool,
    /// For each number of vectors that exists, all numbers of rows from 1 to some maximum, in order.
    pub entries: &'static [TileRow<T>],
    /// For each number of vectors, where its entries begin and how many there are.
    groups: [(usize, usize); MAX_VECTORS + 1],
}

impl<T> TileTable<T> {
    const fn new(lanes: usize, parts: bool, entries: &'static [TileRow<T>]) -> TileTable<T> {
        let mut groups = [(0, 0); MAX_VECTORS + 1];
        let mut at = 0;
        while at < entries.len() {
            let entry = &entries[at];
            assert!(
                entry.rows <= MAX_ROWS,
                "a taller tile than rows are packed for"
            );
            if entry.rows == 1 {
                groups[entry.vectors].0 = at;
            }
            groups[entry.vectors].1 = entry.rows;
            assert!(
                groups[entry.vectors].0 + entry.rows == at + 1,
                "entries out of order"
            );
            at += 1;
        }
        TileTable {
            lanes,
            parts,
            entries,
            groups,
        }
    }

    /// The microkernel of the given shape.
    pub fn function(&self, rows: usize, vectors: usize) -> Option<TileFunction<T>> {
        let &(start, count) = self.groups.get(vectors)?;
        if rows == 0 || rows > count {
            None
        } else {
            self.entries
                .get(start + rows - 1)
                .map(|entry| entry.function)
        }
    }

    /// The most rows with this many vectors; 0: no such tile.
    pub fn max_rows(&self, vectors: usize) -> usize {
        self.groups.get(vectors).map_or(0, |group| group.1)
    }
}

/// Element types that have tables.
pub(super) trait Tiled: Scalar {
    fn table(isa: Isa) -> &'static TileTable<Self>;
    /// Packs a source into lines of `width` elements.
    ///
    /// # Safety
    /// As for [`pack_f32`], of these elements.
    unsafe fn pack(isa: Isa, source: &Source<'_, Self>, target: *mut Self, width: usize);
}

/// The body of a microkernel.
///
/// # Safety
/// As for [`TileFunction`], with the instruction set and the vectors of `S`.
#[inline(always)]
unsafe fn tile<S: Simd, const MR: usize, const NV: usize>(call: &TileCall<'_, S::Element>) {
    for (panel, vectors) in call.vectors.chunks_exact(NV).enumerate() {
        let b = call.b.wrapping_add(panel * call.b_step);
        for index in 0..call.tiles {
            // SAFETY: the caller's contract, for each panel and tile of the call.
            unsafe {
                ask_for_c::<S, MR, NV>(call, vectors, index);
                let acc = accumulate::<S, MR, NV>(call, b, vectors, index);
                finish::<S, MR, NV>(call, vectors, index, &acc);
            }
        }
    }
}

/// Asks for the lines of C that tile number `index` will write: they arrive while its sums are made.
///
/// # Safety
/// As for [`tile`]; `vectors` are one panel of the call, and `index` is below its `tiles`.
#[inline(always)]
unsafe fn ask_for_c<S: Simd, const MR: usize, const NV: usize>(
    call: &TileCall<'_, S::Element>,
    vectors: &[Vector],
    index: usize,
) {
    let first = vectors.first().filter(|vector| vector.contiguous);
    let (true, Some(first)) = (call.far && call.partial.is_null(), first) else {
        return;
    };
    // SAFETY: by the caller's contract the tables hold these rows and the lane; the addresses are only asked for.
    unsafe {
        let column = *call.c_lanes.get_unchecked(first.lane as usize) as isize;
        for row in 0..MR {
            let row = *call.c_rows.get_unchecked(index * MR + row) as isize;
            prefetch_for_writing(call.c.wrapping_offset(column + row), NV * S::LANES);
        }
    }
}

/// The chain over k, for tile number `index`.
///
/// # Safety
/// As for [`ask_for_c`]; `b` is the lane operand moved to the panel.
#[inline(always)]
unsafe fn accumulate<S: Simd, const MR: usize, const NV: usize>(
    call: &TileCall<'_, S::Element>,
    b: *const S::Element,
    vectors: &[Vector],
    index: usize,
) -> [[S::Vector; NV]; MR] {
    // SAFETY: the caller's contract: tables of `tiles * MR` rows, NV vectors and equal lengths in k, whose sums stay inside
    // the operands, and `start` holds whole tiles.
    unsafe {
        let mut a = [call.a; MR];
        for (row, pointer) in a.iter_mut().enumerate() {
            *pointer = call
                .a
                .wrapping_offset(*call.a_rows.get_unchecked(index * MR + row) as isize);
        }
        let mut b = [b; NV];
        for (v, pointer) in b.iter_mut().enumerate() {
            *pointer = pointer.wrapping_offset(vectors.get_unchecked(v).source as isize);
        }
        let mut acc = [[S::zero(); NV]; MR];
        if !call.start.is_null() {
            let start = call.start.add(index * MR * NV * S::LANES);
            for row in 0..MR {
                for v in 0..NV {
                    acc[row][v] = S::load(start.add((row * NV + v) * S::LANES));
                }
            }
        }
        // Four turns at once: the exit of so short a loop is predicted.
        let count = call.a_k.len();
        let mut k = 0;
        while k + 4 <= count {
            step::<S, MR, NV>(call, k, &a, &b, &mut acc);
            step::<S, MR, NV>(call, k + 1, &a, &b, &mut acc);
            step::<S, MR, NV>(call, k + 2, &a, &b, &mut acc);
            step::<S, MR, NV>(call, k + 3, &a, &b, &mut acc);
            k += 4;
        }
        while k < count {
            step::<S, MR, NV>(call, k, &a, &b, &mut acc);
            k += 1;
        }
        acc
    }
}

/// One k: all products of a tile.
///
/// # Safety
/// As for [`accumulate`], of whose tile `a` and `b` point to the rows and vectors; `k` is below the length of `a_k`.
#[inline(always)]
unsafe fn step<S: Simd, const MR: usize, const NV: usize>(
    call: &TileCall<'_, S::Element>,
    k: usize,
    a: &[*const S::Element; MR],
    b: &[*const S::Element; NV],
    acc: &mut [[S::Vector; NV]; MR],
) {
    // SAFETY: the caller's contract; both tables of k are equally long.
    unsafe {
        let a_k = *call.a_k.get_unchecked(k) as isize;
        let b_k = *call.b_k.get_unchecked(k) as isize;
        // The smaller side stays in registers, the larger one passes through one.
        if NV > MR {
            let mut factors = [S::zero(); MR];
            for row in 0..MR {
                factors[row] = S::splat(a[row].wrapping_offset(a_k));
            }
            for v in 0..NV {
                let lanes = S::load(b[v].wrapping_offset(b_k));
                for row in 0..MR {
                    acc[row][v] = S::fused(factors[row], lanes, acc[row][v]);
                }
            }
        } else {
            let mut lanes = [S::zero(); NV];
            for v in 0..NV {
                lanes[v] = S::load(b[v].wrapping_offset(b_k));
            }
            for row in 0..MR {
                let factor = S::splat(a[row].wrapping_offset(a_k));
                for v in 0..NV {
                    acc[row][v] = S::fused(factor, lanes[v], acc[row][v]);
                }
            }
        }
    }
}

/// Leaves the accumulators of tile number `index` where the call wants them.
///
/// # Safety
/// As for [`ask_for_c`].
#[inline(always)]
unsafe fn finish<S: Simd, const MR: usize, const NV: usize>(
    call: &TileCall<'_, S::Element>,
    vectors: &[Vector],
    index: usize,
    acc: &[[S::Vector; NV]; MR],
) {
    // SAFETY: by the caller's contract `partial` and `spill` hold whole tiles, and the tables these rows and lanes; the wanted elements of
    // a contiguous vector lie side by side in C, and no others are touched.
    unsafe {
        if !call.partial.is_null() {
            let partial = call.partial.add(index * MR * NV * S::LANES);
            store_tile::<S, MR, NV>(partial, acc);
            return;
        }
        let mut all = true;
        for v in 0..NV {
            let vector = vectors.get_unchecked(v);
            let whole = vector.count as usize == S::LANES;
            let direct = vector.contiguous && (whole || S::PARTS);
            all &= direct;
            if !direct {
                continue;
            }
            let column = call
                .c
                .wrapping_offset(*call.c_lanes.get_unchecked(vector.lane as usize) as isize);
            let part = (vector.skip as usize, vector.count as usize);
            for row in 0..MR {
                let target =
                    column.wrapping_offset(*call.c_rows.get_unchecked(index * MR + row) as isize);
                if !whole {
                    S::store_part(target.wrapping_sub(part.0), acc[row][v], part, call.add);
                } else if call.add {
                    S::store(target, S::add(S::load(target), acc[row][v]));
                } else {
                    S::store(target, acc[row][v]);
                }
            }
        }
        if !all {
            store_tile::<S, MR, NV>(call.spill, acc);
            scatter(call, vectors, index * MR, MR, (S::LANES, S::PARTS));
        }
    }
}

/// Stores accumulators, rows by vectors.
///
/// # Safety
/// The processor has the instruction set of `S`; `target` is writable for `MR * NV` vectors.
#[inline(always)]
unsafe fn store_tile<S: Simd, const MR: usize, const NV: usize>(
    target: *mut S::Element,
    acc: &[[S::Vector; NV]; MR],
) {
    for row in 0..MR {
        for v in 0..NV {
            // SAFETY: the caller's contract: room for MR x NV vectors.
            unsafe { S::store(target.add((row * NV + v) * S::LANES), acc[row][v]) };
        }
    }
}

/// Writes the vectors of the spilled tile that are not direct to C, element by element.
///
/// # Safety
/// `spill` holds `rows` rows of these vectors of `lanes` elements; what these want of C, in rows from `first` on, is readable and writable for
/// this call alone.
#[inline(never)]
unsafe fn scatter<T: Scalar>(
    call: &TileCall<'_, T>,
    vectors: &[Vector],
    first: usize,
    rows: usize,
    (lanes, parts): (usize, bool),
) {
    let stride = vectors.len() * lanes;
    for (v, vector) in vectors.iter().enumerate() {
        if vector.contiguous && (parts || vector.count as usize == lanes) {
            continue;
        }
        let columns = &call.c_lanes[vector.lane as usize..][..vector.count as usize];
        let source = call.spill.wrapping_add(v * lanes + vector.skip as usize);
        for (lane, &column) in columns.iter().enumerate() {
            let column = call.c.wrapping_offset(column as isize);
            for row in 0..rows {
                let target = column.wrapping_offset(call.c_rows[first + row] as isize);
                // SAFETY: the caller's contract: the spilled tile holds `rows` x `stride` elements, and the target is a wanted element of C.
                unsafe {
                    let value = *source.add(row * stride + lane);
                    *target = if call.add {
                        (*target).plus(value)
                    } else {
                        value
                    };
                }
            }
        }
    }
}

/// A table from wrappers that enable the instruction set around the one generic body.
macro_rules! tile_table {
    ($table:ident, $wrapper:ident, $simd:ty, $element:ty, $lanes:literal, $(#[$attribute:meta])?,
     [$(($rows:literal, $vectors:literal)),* $(,)?]) => {
        /// The body with its instruction set.
        ///
        /// # Safety
        /// As for [`TileFunction`].
        $(#[$attribute])?
        unsafe fn $wrapper<const MR: usize, const NV: usize>(call: &TileCall<'_, $element>) {
            // SAFETY: the caller's contract is the body's; the attribute lets it use the instruction set that is there.
            unsafe { tile::<$simd, MR, NV>(call) }
        }

        static $table: TileTable<$element> = TileTable::new($lanes, <$simd as Simd>::PARTS, &[$(TileRow { rows: $rows, vectors: $vectors, function: $wrapper::<$rows, $vectors> }),*]);
    };
}

/// Calls `tile_table!` with the shapes that fit sixteen vector and sixteen general registers: MR * NV
/// accumulators and at most 8 + 1 pointers. Taller or wider ones were measured to spill.
macro_rules! sixteen_registers {
    ($table:ident, $wrapper:ident, $simd:ty, $element:ty, $lanes:literal, $(#[$attribute:meta])?) => {
        tile_table!($table, $wrapper, $simd, $element, $lanes, $(#[$attribute])?, [
            (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1),
            (1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2),
            (1, 3), (2, 3), (3, 3),
            (1, 4), (2, 4),
            (1, 5),
            (1, 6),
            (1, 7),
            (1, 8),
        ]);
    };
}

/// The same for thirty-two vector registers, but no more general ones.
#[cfg(target_arch = "x86_64")]
macro_rules! thirty_two_registers {
    ($table:ident, $wrapper:ident, $simd:ty, $element:ty, $lanes:literal, $(#[$attribute:meta])?) => {
        tile_table!($table, $wrapper, $simd, $element, $lanes, $(#[$attribute])?, [
            (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1),
            (1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (7, 2), (8, 2),
            (1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (6, 3), (7, 3), (8, 3),
            (1, 4), (2, 4), (3, 4), (4, 4), (5, 4), (6, 4),
            (1, 5),
            (1, 6), (2, 6), (3, 6), (4, 6),
            (1, 7),
            (1, 8), (2, 8), (3, 8),
        ]);
    };
}

#[cfg(target_arch = "x86_64")]
sixteen_registers!(AVX2_F32, tile_avx2_f32, Avx2F32, f32, 8, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
sixteen_registers!(AVX2_F64, tile_avx2_f64, Avx2F64, f64, 4, #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
thirty_two_registers!(AVX512_F32, tile_avx512_f32, Avx512F32, f32, 16, #[target_feature(enable = "avx512f")]);
#[cfg(target_arch = "x86_64")]
thirty_two_registers!(AVX512_F64, tile_avx512_f64, Avx512F64, f64, 8, #[target_feature(enable = "avx512f")]);

type PlainF32 = Plain<f32, 4>;
type PlainF64 = Plain<f64, 2>;
tile_table!(PLAIN_F32, tile_plain_f32, PlainF32, f32, 4, , [
    (1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (2, 2), (3, 2), (4, 2),
]);
tile_table!(PLAIN_F64, tile_plain_f64, PlainF64, f64, 2, , [
    (1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (2, 2), (3, 2), (4, 2),
]);

impl Tiled for f32 {
    /// # Safety
    /// As for [`pack_f32`].
    unsafe fn pack(isa: Isa, source: &Source<'_, f32>, target: *mut f32, width: usize) {
        // SAFETY: the caller's contract is the same.
        unsafe { pack_f32(isa, source, target, width) }
    }

    fn table(isa: Isa) -> &'static TileTable<f32> {
        match isa {
            Isa::Portable => &PLAIN_F32,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &AVX2_F32,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => &AVX512_F32,
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => &PLAIN_F32,
        }
    }
}

impl Tiled for f64 {
    /// # Safety
    /// As for [`pack_plain`].
    unsafe fn pack(_isa: Isa, source: &Source<'_, f64>, target: *mut f64, width: usize) {
        // SAFETY: the caller's contract is the same.
        unsafe { pack_plain(source, target, width) }
    }

    fn table(isa: Isa) -> &'static TileTable<f64> {
        match isa {
            Isa::Portable => &PLAIN_F64,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &AVX2_F64,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => &AVX512_F64,
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => &PLAIN_F64,
        }
    }
}
