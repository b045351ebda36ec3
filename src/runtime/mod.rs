//! Runs schedules: memory, the thread pool, and the loop over steps. Kernels come as plain function pointers and contractions run in
//! the engine of [`contraction`]; this room knows neither tensors nor Cranelift.
mod beat;
mod bound;
pub mod call;
pub mod contraction;
pub mod execute;
mod finish;
pub mod memory;
mod pace;
pub mod planner;
mod product;
pub mod profile;
mod runs;
pub mod speed;
pub mod steps;
pub mod team;

pub use beat::{Beat, BeatCells, BeatsEnd};
pub use call::{Call, CallSpace, Store, Turns};
pub use execute::{CheckFailure, Executable, KernelFunction, Workspace};
pub use memory::AlignedBytes;
pub use planner::{Planner, Plans};
pub use runs::{Cell, Runs, Tie, Wiring};
