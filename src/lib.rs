//! dlmc: a compiler for `.dlm`.
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
    Config, Control, Engine, Error, Loader, MemoryLoader, Model, Program, ProgramOptions, Progress,
    Trainer,
};
