//! Contractions too small for the engine: their packing and calls would take longer than their work, so they are loop nests, which are
//! compiled among the nests around them ([`super::bundle()`]).
use crate::base::types::DType;
use crate::tir::{Comprehension, Graph};

/// Multiply-adds of a contraction that is a loop nest whatever its form.
const SMALL: usize = 256;
/// Multiply-adds of one whose nest is compiled in tiles of registers: without vectors as wide as the engine's, but without its calls.
const SMALL_IN_TILES: usize = 4096;
/// Sums that are under way at once in a tile, and the multiply-adds that may follow one another in each: of few and long sums every
/// multiply-add waits for the one before.
const SUMS_AT_ONCE: usize = 32;
const LONGEST: usize = 256;

/// The name by which tiles are left out, like a pass: then the engine has all contractions but the smallest.
pub const TILES: &str = "tiles";

/// Which contractions are loop nests.
#[derive(Debug, Clone, Copy)]
pub struct Small {
    /// Those that fit into tiles of registers too.
    pub tiles: bool,
}

impl Default for Small {
    fn default() -> Small {
        Small { tiles: true }
    }
}

impl Small {
    /// Whether a contraction is a loop nest.
    pub(super) fn is_small(self, graph: &Graph, c: &Comprehension) -> bool {
        c.extents().iter().product::<usize>() <= SMALL || self.in_tiles(graph, c)
    }

    /// Whether a comprehension is a small contraction whose nest is compiled whole in tiles of registers.
    pub(super) fn in_tiles(self, graph: &Graph, c: &Comprehension) -> bool {
        self.tiles && fits_tiles(graph, c)
    }
}

/// Whether a comprehension is a small contraction of plain `f32` elements.
fn fits_tiles(graph: &Graph, c: &Comprehension) -> bool {
    let points = c.extents().iter().product::<usize>();
    let terms = c.reduce.iter().product::<usize>();
    let sums = c.shape.iter().product::<usize>();
    let plain = c.reads.iter().all(|read| {
        let mut subscripts = read
            .subscripts
            .iter()
            .map(|subscript| subscript.as_affine());
        read.guard.is_always()
            && graph.ty(read.value).dtype == DType::F32
            && subscripts.all(|affine| affine.is_some_and(|e| e.divisor() == 1))
    });
    plain
        && c.dtype == DType::F32
        && points <= SMALL_IN_TILES
        && terms * sums.div_ceil(SUMS_AT_ONCE) <= LONGEST
        && crate::pass::order::is_tiled(c)
}
