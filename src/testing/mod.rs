//! Graphs and numbers for tests of several rooms.
pub mod gradients;
pub mod numbers;
