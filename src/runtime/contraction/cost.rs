//! Estimated cycles: of register tiles, of packing, of stores. Only ratios matter; the constants are Zen 3's, measured.

/// Cycles of one tile for one k: two FMAs and two loads a cycle, a latency of four.
fn tile_cycles(rows: usize, vectors: usize) -> f64 {
    let fused = (rows * vectors) as f64 * 0.5;
    let loads = (rows + vectors) as f64 * 0.5 + 0.5;
    fused.max(loads).max(4.0)
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
    let widths: Vec<(usize, f64)> = (1..=super::tile::MAX_VECTORS)
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
        Layout::Lanes => 1.2,
        Layout::Sums => 3.0,
        Layout::Scattered => lanes as f64,
    }
}

/// Cycles to store `elements` of C one by one.
pub(super) fn scatter_cycles(elements: usize) -> f64 {
    elements as f64 * 1.2
}
