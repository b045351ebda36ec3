//! The tensor IR: a graph whose one computing node is the comprehension, the definition of a tensor element by element.
//!
//! Closed list of nodes: input, constant, comprehension, reshape, concat, scatter, scan, region; and two that only [`crate::grad`]
//! removes: `gradient` and `stop_gradient`. There is deliberately no `custom` node and no node per operator: matmul, convolution,
//! pooling, broadcasting, slicing, padding, gathering and random numbers are all comprehensions.
pub mod affine;
pub mod build;
pub mod graph;
mod known;
pub mod op;
pub mod parse;
pub mod print;
pub mod verify;

pub use crate::base::order::piece_length;
pub use affine::{Affine, Condition, Guard};
pub use graph::{
    Body, Comprehension, Graph, Inst, Literal, Node, NodeData, NodeId, Order, Read, Reducer,
    Region, Scan, Scatter, Subscript, Value,
};
pub use op::Op;
