//! The definitions of the operators: straight-line scalar programs that the interpreter runs and the kernels are made of.
pub mod evaluate;
pub mod math;
pub mod math64;
mod random;
pub mod simplify;
pub mod table;
