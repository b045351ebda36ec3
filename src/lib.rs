//! dlmc: a compiler for `.dlm`.
pub mod base;
pub mod data;
pub mod grad;
pub mod interp;
pub mod kir;
pub mod lower;
pub mod ops;
pub mod pass;
pub mod runtime;
pub mod syntax;
#[doc(hidden)]
pub mod testing;
pub mod tir;
