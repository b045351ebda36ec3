//! dlmc: a compiler for `.dlm`, a small language in which neural networks are written as a paper prints them and trained as native code.
//!
//! The map of the code, in the order in which a program passes through it: [`syntax`] (text to tree), [`check`] (tree to a host plan and
//! tensor graphs), [`tir`] (the tensor IR) with [`ops`] (its scalar operators), [`grad`] (reverse mode), [`pass`] (rewriting), [`lower`] (graphs
//! to kernels and one memory plan), [`kir`] (kernels and schedules), [`jit`] (kernels to machine code), [`runtime`] (memory, contractions, the
//! loop over steps), [`train`] (the machine of the host plan). Beside the way: [`base`], [`data`], [`interp`] (the reference interpreter of the
//! tests). Above: [`session`] and [`engine`], from which a host's program compiles, trains and predicts.
//!
//! A host starts with [`Engine`].
// The documentation of a room may link to its own private parts: it is built with them.
#![allow(rustdoc::private_intra_doc_links)]

pub mod base;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod engine;
pub mod grad;
pub mod interp;
pub mod jit;
pub mod kir;
pub mod lower;
pub mod ops;
pub mod pass;
pub mod runtime;
pub mod session;
pub mod syntax;
#[doc(hidden)]
pub mod testing;
pub mod tir;
pub mod train;

pub use base::diagnostic::Diagnostic;
pub use base::tensor::Tensor;
pub use engine::{
    Config, Control, Engine, Error, Loader, MemoryLoader, Model, OnNonFinite, Program,
    ProgramOptions, Progress, Trainer,
};
pub use runtime::contraction::{Cpu, Isa};
pub use syntax::{FormatError, format_source};

/// The programs of `docs/embedding.md`, compiled and run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
pub struct EmbeddingDocument;
