//! The operators: one row each ([`table`]) with name, arity, meaning, derivative and sample ranges; their values on scalars
//! ([`evaluate`]); the functions behind them as straight-line programs that the interpreter runs and the kernels are made of ([`math`],
//! [`math64`]).
pub mod derivative;
pub mod evaluate;
pub mod math;
pub mod math64;
pub mod table;

pub use derivative::Pullback;
pub use table::{OpDef, TABLE, definition};
