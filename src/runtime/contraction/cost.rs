//! Estimated cycles: of register tiles, of packing, of stores. Only ratios matter; the constants are Zen 3's, measured.

use super::tile::MAX_VECTORS;

/// Cycles of one tile for one k: two FMAs and two loads a cycle (two more loads are for the offset tables), four to five
/// instructions a cycle, a latency of four.
fn tile_cycles(rows: usize, vectors: usize) -> f64 {
    let fused = (rows * vectors) as f64 * 0.5;
    let loads = (rows + vectors + 2) as f64 * 0.5;
    let all = (rows * vectors + rows + vectors + 5) as f64 / 4.5;
    fused.max(loads).max(all).max(4.0)
}

/// Cycles that one tile costs beside its loop over k.
const TILE_OVERHEAD: f64 = 14.0;

/// How `rows` rows are cut into tiles of at most `max` rows, as evenly as possible: (count, size) twice.
pub(super) fn split_rows(rows: usize, max: usize) -> [(usize, usize); 2] {
    if rows == 0 || max == 0 {
        return [(0, 0); 2];
    }
    let tiles = rows.div_ceil(max);
    let (size, larger) = (rows / tiles, rows % tiles);
    [(larger, size + 1), (tiles - larger, size)]
}

/// The rows of one step cut into tiles, for each number of vectors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splits {
    /// The rows.
    pub rows: usize,
    /// As [`split_rows`] gives them.
    pub tiles: [[(usize, usize); 2]; MAX_VECTORS + 1],
}

impl Splits {
    /// Those of `rows` rows, where a tile of so many vectors has at most `tallest` of them.
    pub fn new(rows: usize, tallest: impl Fn(usize) -> usize) -> Splits {
        Splits {
            rows,
            tiles: std::array::from_fn(|vectors| split_rows(rows, tallest(vectors))),
        }
    }
}

/// Cycles of a panel of `vectors` vectors against `rows` rows, for `k` elements.
fn panel_cycles(rows: usize, vectors: usize, max_rows: usize, k: usize) -> f64 {
    split_rows(rows, max_rows)
        .iter()
        .map(|&(count, size)| {
            count as f64 * (k as f64 * tile_cycles(size, vectors) + TILE_OVERHEAD)
        })
        .sum()
}

/// The cheapest cut of `vectors` vectors into panels, and its cycles. `max_rows(v)` is the tallest tile of v vectors.
pub(super) fn cut_panels(
    vectors: usize,
    rows: usize,
    k: usize,
    max_rows: &dyn Fn(usize) -> usize,
) -> (Vec<usize>, f64) {
    let widths: Vec<(usize, f64)> = (1..=MAX_VECTORS)
        .filter(|&width| max_rows(width) > 0)
        .map(|width| (width, panel_cycles(rows, width, max_rows(width), k)))
        .collect();
    let mut best = vec![(0.0_f64, 0_usize); vectors + 1];
    for count in 1..=vectors {
        best[count] = widths
            .iter()
            .filter(|(width, _)| *width <= count)
            .map(|&(width, cycles)| (best[count - width].0 + cycles, width))
            .min_by(|x, y| x.0.total_cmp(&y.0).then(y.1.cmp(&x.1)))
            .unwrap_or((f64::INFINITY, 1));
    }
    let mut widths = Vec::new();
    let mut left = vectors;
    while left > 0 {
        widths.push(best[left].1);
        left -= best[left].1;
    }
    widths.sort_unstable_by(|x, y| y.cmp(x));
    (widths, best[vectors].0)
}

/// How the lanes of an operand lie, for packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Lanes side by side in long runs.
    Lanes,
    /// Summed elements side by side: packing transposes.
    Sums,
    /// Neither.
    Scattered,
}

/// Cycles to pack one vector for one k.
pub(super) fn pack_cycles(layout: Layout, lanes: usize) -> f64 {
    match layout {
        Layout::Lanes => 2.0,
        Layout::Sums => 3.0,
        Layout::Scattered => lanes as f64,
    }
}

/// Cycles to store `elements` of C one by one.
pub(super) fn scatter_cycles(elements: usize) -> f64 {
    elements as f64 * 1.2
}

/// Cycles to pack one element of the row operand.
pub(super) fn pack_row_cycles(layout: Layout) -> f64 {
    match layout {
        Layout::Lanes => 0.3,
        Layout::Sums => 0.45,
        Layout::Scattered => 1.5,
    }
}

/// Cycles that a line from the second-level cache costs a tile, beyond what overlaps.
pub(super) const MISS_CYCLES: f64 = 0.8;

/// Lines missed for each k when `passes` are walked one after the other: each pass reads `bytes` wide pieces at its
/// starts for every k. The cache is half of a first-level one (64 sets of 4 ways); `warm` passes are not counted.
pub(super) fn misses(
    passes: &[&[i32]],
    sums: &[i32],
    element: usize,
    bytes: usize,
    warm: usize,
) -> f64 {
    let mut sets = vec![[i64::MIN; 4]; 64];
    let mut missed = 0_usize;
    for (number, starts) in passes.iter().enumerate() {
        for &k in sums {
            for &start in *starts {
                let first = (i64::from(start) + i64::from(k)) * element as i64;
                for line in first.div_euclid(64)..=(first + bytes as i64 - 1).div_euclid(64) {
                    let set = &mut sets[line.rem_euclid(64) as usize];
                    let found = set.iter().position(|&held| held == line);
                    missed += usize::from(found.is_none() && number >= warm);
                    set[..=found.unwrap_or(3)].rotate_right(1);
                    set[0] = line;
                }
            }
        }
    }
    missed as f64 / (sums.len().max(1) * (passes.len() - warm).max(1)) as f64
}
