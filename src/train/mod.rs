//! Runs the host plan of a checked program: an explicit machine over slots, whose whole state can be saved and restored between any two
//! instructions.
pub mod compile;
pub mod error;
pub mod format;
pub mod values;

pub use compile::{CompileOptions, CompileTimes, Compiled, KernelCode, compile};
pub use error::RunError;
