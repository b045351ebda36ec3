//! Runs the host plan of a checked program: an explicit machine over slots, whose whole state can be saved and restored between any two
//! instructions.
mod astray;
mod batches;
mod blame;
pub mod compile;
pub mod error;
mod files;
pub mod forecast;
pub mod format;
mod losses;
pub mod machine;
mod probe;
pub(crate) mod refused;
mod replay;
mod snapshot;
mod stretch;
mod turns;
pub mod values;
mod watch;

pub use compile::{CompileOptions, CompileTimes, Compiled, TURNS, compile};
pub use error::RunError;
pub use losses::Noted;
pub use machine::{Epoch, Event, Machine, Resolve, RunTimes};
pub use watch::OnNonFinite;

#[cfg(test)]
mod tests;
