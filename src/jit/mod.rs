//! Kernels as native code, by Cranelift. The only room that names it.
//!
//! [`compile`] turns verified kernels into functions that run on buffers; equal kernels share one function, several are compiled at
//! once. The code lives in a [`Module`], which frees it when the last kernel is dropped. Memory is never writable and executable at once.
mod access;
mod columns;
mod dots;
mod emit;
mod function;
mod isa;
mod memory;
mod module;
mod nest;
mod normal;
mod ops;
mod reduce;
mod state;
mod tiles;
mod turns;
mod vectors;
mod walk;

pub use isa::Options;
pub use module::{CompiledKernel, CompiledKernels, Function, Module, Text, compile};
pub use turns::{Repeated, Turns, compile_turns};

/// Why kernels could not be compiled: each is a fault of this program or of the machine, not of the user's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JitError {
    /// The processor or operating system lacks something.
    #[error("this machine cannot run generated code: {0}")]
    Host(String),
    /// The kernel breaks an invariant of the kernel IR.
    #[error("kernel {kernel}: {why}")]
    Kernel {
        /// Its name.
        kernel: String,
        /// The broken invariant.
        why: String,
    },
    /// Cranelift refused the code.
    #[error("code of kernel {kernel} was refused: {why}")]
    Code {
        /// Its name.
        kernel: String,
        /// What it said.
        why: String,
    },
}

#[cfg(test)]
mod tests;
