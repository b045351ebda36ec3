//! Kernel IR: loop nests over flat buffers, as `lower` makes them and `jit` compiles them. It knows no tensor: every access is an
//! element offset, affine in the loop indices, into one of the kernel's buffers.
//!
//! A kernel is called as `kernel(buffers, begin, end, status)`: it runs its nests in order, each restricted to `begin <= o < end`, where
//! `o` counts the outermost `outer` free indices (which all nests share) in row-major order. Distinct `o` write distinct elements, so
//! ranges may run in parallel; and a nest may read what an earlier nest of the kernel wrote for the same `o` only.
//!
//! A kernel without a range (`outer` is 0, called for `0..1`) runs no further nest once one has reported an index out of bounds.
//!
//! A nest without a reducer may write over what it reads, element for element at the same point. One with a reducer may not: it may
//! compute an element more than once.
pub mod cost;
pub mod print;
pub mod schedule;
pub mod verify;

use crate::base::types::DType;
use crate::tir::{Affine, Body, Guard, Literal, Order, Reducer};

/// Several loop nests that run one after the other within each range of their common outer indices.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// A speaking name for profiles and listings: `relu_3`, `softmax_1_bwd`.
    pub name: String,
    /// Element type of each buffer argument.
    pub buffers: Vec<DType>,
    /// How many free indices are walked by the range `begin..end`.
    pub outer: usize,
    /// The nests, in order. At least one; all have the same extents of their first `outer` free indices.
    pub nests: Vec<Nest>,
}

/// One loop nest: for every point of the free indices, reduce over the reduction indices and store the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Nest {
    /// Extents of the free indices, outermost first.
    pub free: Vec<usize>,
    /// Extents of the reduction indices, numbered after the free ones.
    pub reduce: Vec<usize>,
    /// The reduction; `None` where there is no reduction index.
    pub reducer: Option<Reducer>,
    /// Its order.
    pub order: Order,
    /// Chain pieces of a sum, at least 1: its reduction range (row-major over `reduce`) is cut into pieces of this many elements.
    pub piece_length: usize,
    /// Points outside contribute nothing (without a reduction: the value there is 0).
    pub domain: Guard,
    /// The accesses; the body's reads refer to them by position.
    pub accesses: Vec<Access>,
    /// The scalar code.
    pub body: Body,
    /// Where the result goes: affine in the free indices only.
    pub store: Store,
}

impl Nest {
    /// Whether it can find an index out of bounds, which it then reports in the status word.
    pub fn may_fail(&self) -> bool {
        let reads = self.accesses.iter().map(|access| &access.gathers);
        reads
            .chain([&self.store.gathers])
            .any(|gathers| !gathers.is_empty())
    }
}

/// A read of one element.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// Which buffer.
    pub buffer: u32,
    /// Element offset, without the gathered parts.
    pub offset: Affine,
    /// Gathered parts: the `i32` that an earlier access finds, times a stride. Out of `0..bound` it is reported in the status word and
    /// read as 0.
    pub gathers: Vec<GatherTerm>,
    /// Where it fails, the access gives `fill` and touches nothing.
    pub guard: Guard,
    /// The value outside the guard.
    pub fill: Literal,
}

/// One gathered part of an offset.
#[derive(Debug, Clone, PartialEq)]
pub struct GatherTerm {
    /// The earlier access that finds the position.
    pub access: u32,
    /// Elements per step of the position.
    pub stride: usize,
    /// One more than the greatest position.
    pub bound: usize,
    /// What the status word reports when the position is out of bounds; unique within a program, at least 1.
    pub check: u32,
}

/// Where a nest writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Store {
    /// Which buffer.
    pub buffer: u32,
    /// Element offset in the free indices (for a scatter: in all indices).
    pub offset: Affine,
    /// Gathered parts of the offset; not empty only with `accumulate`.
    pub gathers: Vec<GatherTerm>,
    /// Adds to what is there, sequentially in row-major order of all indices (a scatter), instead of overwriting.
    pub accumulate: bool,
}

/// What kernels report: `u64::MAX` where nothing failed, else `check << 32 | value as u32` of the least such word (a kernel lowers it by an
/// atomic minimum), so that the report does not depend on threads.
pub type Status = std::sync::atomic::AtomicU64;

/// The status word of a run in which nothing failed.
pub const STATUS_FINE: u64 = u64::MAX;
