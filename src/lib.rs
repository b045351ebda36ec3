//! dlmc: a compiler for `.dlm`.
pub mod base;
pub mod jit;
pub mod kir;
pub mod ops;
pub mod tir;
