//! Elaboration: syntax tree to [`program::Program`].
pub mod program;
