//! Text to syntax tree: tokens (logos), a layout and soft-word pass, the grammar (lalrpop, `grammar/dlm.lalrpop`), the tree.
//!
//! There is always a tree: what did not parse is an `Error` node in it and a diagnostic, and one run reports every independent mistake.
pub mod ast;
mod elsewhere;
mod explain;
pub mod format;
mod layout;
mod literal;
pub mod names;
pub mod parse;
pub mod print;
pub mod token;

pub use format::{FormatError, format_source};
pub use parse::{is_incomplete, parse, parse_expression};

#[cfg(test)]
mod tests;
