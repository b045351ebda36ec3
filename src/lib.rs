//! dlmc: a compiler for `.dlm`.
pub mod base;
pub mod kir;
pub mod lower;
pub mod pass;
pub mod runtime;
pub mod syntax;
pub mod tir;
