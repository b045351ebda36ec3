//! dlmc: a compiler for `.dlm`.
pub mod base;
pub mod data;
