//! dlmc: a compiler for `.dlm`.
pub mod base;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod engine;
pub mod jit;
pub mod kir;
pub mod lower;
pub mod ops;
pub mod pass;
pub mod runtime;
pub mod session;
pub mod syntax;
pub mod tir;
pub mod train;
