//! Text to syntax tree: tokens (logos), a layout and soft-word pass, the grammar (lalrpop, `grammar/dlm.lalrpop`), the tree.
pub mod ast;
pub mod parse;
pub mod print;
pub mod token;
