//! The tree as text, for `emit --stage ast`.
use super::ast::File;

/// One statement after the other, in Rust's debug form.
pub fn print_ast(file: &File) -> String {
    file.statements
        .iter()
        .map(|statement| format!("{:#?}\n", statement.kind))
        .collect()
}
