//! What a caller says of a contraction.
pub use crate::base::order::{LONGEST_CHAIN as MAX_PIECE, piece_length};
use crate::base::types::DType;
use thiserror::Error;

/// One plain index of a nest: its size, and how far one step moves in each operand (elements; 0 where it does not occur).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Index {
    /// Number of values, from 0.
    pub extent: usize,
    /// Stride in A.
    pub a: isize,
    /// Stride in B.
    pub b: isize,
    /// Stride in C.
    pub c: isize,
}

impl Index {
    /// An index with the given size and strides.
    pub fn new(extent: usize, a: isize, b: isize, c: isize) -> Index {
        Index { extent, a, b, c }
    }
}

/// One of the two factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// The left factor.
    A,
    /// The right factor.
    B,
}

/// Which index lies along the vector lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Orientation {
    /// The cheaper one by the cost model.
    #[default]
    Auto,
    /// N along the lanes: B by vectors, A by broadcast.
    LanesN,
    /// M along the lanes: A by vectors, B by broadcast.
    LanesM,
}

/// A contraction: nests outermost first, offsets and strides in elements. An empty nest counts once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContractionSpec {
    /// `F32` or `F64`, of all three operands.
    pub dtype: DType,
    /// Indices of A (or not), B (or not) and C, all of whose products are independent.
    pub batch: Vec<Index>,
    /// Indices of A and C; their stride in B is 0.
    pub m: Vec<Index>,
    /// Indices of B and C; their stride in A is 0.
    pub n: Vec<Index>,
    /// Summed indices, of A and B; their stride in C is 0.
    pub k: Vec<Index>,
    /// Offset of A's element at index 0.
    pub a_base: isize,
    /// Offset of B's element at index 0.
    pub b_base: isize,
    /// Offset of C's element at index 0.
    pub c_base: isize,
    /// Add to C instead of overwriting it.
    pub accumulate: bool,
    /// Which index lies along the lanes.
    pub orientation: Orientation,
    /// Whether the caller packs the lane operand once for many runs, so that packing costs nothing.
    pub prepacked: bool,
}

impl ContractionSpec {
    /// A spec with empty nests, bases 0, overwriting C, orientation chosen by cost.
    pub fn new(dtype: DType) -> ContractionSpec {
        ContractionSpec {
            dtype,
            batch: Vec::new(),
            m: Vec::new(),
            n: Vec::new(),
            k: Vec::new(),
            a_base: 0,
            b_base: 0,
            c_base: 0,
            accumulate: false,
            orientation: Orientation::Auto,
            prepacked: false,
        }
    }

    /// The matrix product `C[m, n] = sum[k] A[m, k] * B[k, n]` of strided matrices; each pair is (row, column) strides.
    pub fn matmul(
        dtype: DType,
        (m, n, k): (usize, usize, usize),
        a: (isize, isize),
        b: (isize, isize),
        c: (isize, isize),
    ) -> ContractionSpec {
        ContractionSpec {
            m: vec![Index::new(m, a.0, 0, c.0)],
            n: vec![Index::new(n, 0, b.1, c.1)],
            k: vec![Index::new(k, a.1, b.0, 0)],
            ..ContractionSpec::new(dtype)
        }
    }
}

/// Why a spec has no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContractionError {
    /// The engine multiplies floats only.
    #[error("a contraction of {0} elements: only f32 and f64 are supported")]
    Type(DType),
    /// Offsets are kept in 32 bits, counts in memory.
    #[error("a contraction that spans more than 2^31 elements of {0}")]
    TooLarge(&'static str),
    /// An index of `m`, `n` or `k` moves an operand it must not move.
    #[error("index of size {extent} in nest {nest} has a stride in {operand}")]
    Stride {
        /// Size of the index.
        extent: usize,
        /// The nest it stands in.
        nest: &'static str,
        /// The operand that must not depend on it.
        operand: &'static str,
    },
}
