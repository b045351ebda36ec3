//! dlmc: a compiler for `.dlm`.
pub mod base;
pub mod check;
pub mod data;
pub mod jit;
pub mod kir;
pub mod lower;
pub mod ops;
pub mod pass;
pub mod runtime;
pub mod syntax;
pub mod tir;
