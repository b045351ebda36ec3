//! What every room may name: source positions, diagnostics, element types, shapes, host tensors, data catalogues.
pub mod data;
pub mod diagnostic;
pub mod order;
pub mod philox;
pub mod render;
pub mod source;
pub mod stack;
pub mod tensor;
pub mod types;
