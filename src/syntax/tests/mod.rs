//! Tests of the room, by subject.
mod constructs;
mod errors;
mod language;
mod names;
mod robust;

use crate::base::diagnostic::Diagnostic;
use crate::base::source::Sources;
use crate::syntax::parse::parse;
use crate::syntax::print::print_ast;

/// The tree of a text and its diagnostics, one line each: `line:column code message; help`.
fn outcome(text: &str) -> (String, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("m.dlm", text);
    let (tree, diagnostics) = parse(&sources, file);
    let line = |d: &Diagnostic| {
        let (line, column) = sources.line_column(d.labels[0].span);
        let help = d.help.as_deref().unwrap_or("");
        format!("{line}:{column} {} {}; {help}", d.code, d.message)
    };
    (print_ast(&tree), diagnostics.iter().map(line).collect())
}

/// The tree of a text that is correct, as it prints, without line ends.
#[track_caller]
fn tree(text: &str) -> String {
    let (tree, errors) = outcome(text);
    assert!(errors.is_empty(), "{text}\n{errors:#?}");
    tree.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(tree(text), expected, "{text}");
}
