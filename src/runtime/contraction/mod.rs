//! The contraction engine: matrix products in all transpositions, convolution forward and both of its gradients, batched
//! products and recurrent steps are one thing here,
//!
//! ```text
//! C[b, m, n] = sum[k] A[b, m, k] * B[b, k, n]
//! ```
//!
//! where `b`, `m`, `n` and `k` are composite indices (nests of plain ones) and every operand's address is a sum of one
//! offset for each index. All shapes are static, so [`Contraction::new`] turns the nests into offset tables, chooses an
//! orientation, a register tile and what to pack, and [`Contraction::run`] computes any range of rows of C without
//! allocating. A convolution needs no im2col: its `k` is `(channel, dy, dx)` and its pixels are rows or lanes. Guards
//! do not exist here: padded operands were copied into zero-padded buffers before.
//!
//! # The value of an element
//! Fixed by the shape alone; threads, tiles, packing, orientation and instruction set change no bit.
//! - K is cut into pieces of [`piece_length`]`(K)` elements (one piece up to [`MAX_PIECE`]).
//! - Within a piece `acc = fma(a, b, acc)`, in row-major order of the nest `k`, starting at `+0.0`.
//! - The pieces are added in order: `c = p0`, then `c = c + p1` and so on. With `accumulate` all pieces are added to
//!   what C held: `c = c + p0`, `c = c + p1` and so on.
//!
//! Blocks of K smaller than a piece store and reload the accumulator, which is exact.
//!
//! # How it is computed
//! One operand is read by broadcast ("rows"), the other by vectors ("lanes"); where lanes along M vectorise better the
//! problem is turned round, which multiplication's commutativity makes exact. Either operand is read in place or from
//! packed panels. The microkernels are rows of a table (`tile.rs`).

mod blocks;
mod cost;
mod cpu;
mod lanes;
mod pack;
mod plan;
mod run;
mod simd;
mod spec;
mod terms;
#[cfg(test)]
mod tests;
mod tile;

pub use cpu::{Cpu, Isa};
pub use plan::Contraction;
pub use run::Operands;
pub use spec::{
    ContractionError, ContractionSpec, Index, MAX_PIECE, Operand, Orientation, piece_length,
};
