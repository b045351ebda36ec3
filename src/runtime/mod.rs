//! What runs beside the generated code: the contraction engine.
pub mod contraction;
