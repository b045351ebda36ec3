//! No text makes the parser panic, overflow its stack or run for long.
use super::{outcome, tree};
use crate::base::source::{FileId, Sources};
use crate::syntax::token::{MOST_BYTES, print_tokens};
use crate::syntax::{is_incomplete, parse, parse_expression};
use proptest::prelude::*;

/// Words that make texts which are nearly programs.
const WORDS: &[&str] = &[
    "let",
    "x",
    "=",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "fn",
    "layer",
    "f",
    "+",
    "-",
    "*",
    "^",
    "//",
    "|>",
    "sum[i]",
    "1",
    "2.5",
    "\"a {x}\"",
    "\"{",
    "scan",
    "in",
    "over",
    "if",
    "else",
    "minimize",
    "with",
    "train",
    "on",
    ".",
    "..",
    ":",
    "->",
    "## doc\n",
    "# c\n",
    "repeat",
    "until",
    "at most",
    "for",
    "param",
    "not",
    "and",
    "==",
    "<",
    "'",
    "²",
    ";",
    "print",
    "import",
    "->",
    "optimizer",
    "state",
];

fn everything(text: &str) {
    let mut sources = Sources::default();
    let file = sources.add("m.dlm", text);
    let (tree, diagnostics) = parse(&sources, file);
    for label in diagnostics.iter().flat_map(|d| &d.labels) {
        let range = label.span.start as usize..label.span.end as usize;
        assert!(text.get(range).is_some(), "{label:?} in {text:?}");
    }
    if crate::syntax::parse::has_errors(&tree) {
        assert!(!diagnostics.is_empty(), "silent error in {text:?}");
    }
    parse_expression(&sources, file);
    is_incomplete(text);
    print_tokens(text, FileId(0));
    crate::syntax::print::print_ast(&tree);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn no_text_panics(text in any::<String>()) {
        everything(&text);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        everything(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_sequence_of_words_panics(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..60)) {
        everything(&words.join(" "));
    }
}

/// The one error of a text, its code.
fn code(text: &str) -> String {
    let (_, errors) = outcome(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors[0].split(' ').nth(1).unwrap().to_string()
}

#[test]
fn deep_brackets_are_an_error() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("fn (x) { ", "}"),
        ("x[", "]"),
    ] {
        let nested = |n: usize| format!("let x = {}1{}", open.repeat(n), close.repeat(n));
        tree(&nested(80));
        assert_eq!(code(&nested(300)), "E0105", "{open}");
        assert_eq!(code(&nested(100_000)), "E0105", "{open}");
    }
    assert_eq!(code(&"(".repeat(1_000_000)), "E0105");
}

#[test]
fn long_chains_are_an_error_and_not_an_overflow() {
    for link in [
        " + 1",
        " |> f",
        ".a",
        " ^ 2",
        " * -2",
        "[0]",
        "(1)",
        " and b",
        " or not b",
    ] {
        tree(&format!("let x = a{}", link.repeat(100)));
        assert_eq!(
            code(&format!("let x = a{}", link.repeat(100_000))),
            "E0105",
            "{link}"
        );
    }
    for prefix in ["-", "not ", "sum[i] ", "1 ^ "] {
        assert_eq!(
            code(&format!("let x = {}a", prefix.repeat(100_000))),
            "E0105",
            "{prefix}"
        );
    }
    assert_eq!(
        code(&format!(
            "if a {{ 1 }}{}",
            " else if b { 2 }".repeat(10_000)
        )),
        "E0105"
    );
}

#[test]
fn long_lists_and_files_are_fine() {
    tree(&format!("let x = [{}]", "1, ".repeat(100_000)));
    tree(&"let x = a + b\n".repeat(20_000));
    assert_eq!(code(&" ".repeat(MOST_BYTES + 1)), "E0101");
}

#[test]
fn a_file_of_errors_is_cut_short() {
    let (_, errors) = outcome(&"let x = )\n".repeat(50_000));
    assert_eq!(errors.len(), 20);
    let (_, errors) = outcome(&"let = 3 3\n".repeat(50_000));
    assert_eq!(errors.len(), 20);
    let (_, errors) = outcome(&format!(
        "layer f(x) {{\n{}}}",
        "let = 3 3\n".repeat(50_000)
    ));
    assert!(errors.len() <= 20);
}

/// Texts of a megabyte whose parts could each be looked at from all others: that would take hours.
#[test]
fn no_part_of_a_text_is_looked_at_again_for_each_other_part() {
    let half = 1 << 19;
    let blanks = " ".repeat(half);
    for (before, unit) in [
        ("let x = f(\n", "1,\n"),
        ("let x = f(", "1;"),
        ("let x = f(", "1\n"),
        (blanks.as_str(), "()"),
        (blanks.as_str(), "{}"),
        ("", "! "),
        ("", "∑x×"),
        ("", "\\"),
        ("", "/*\n"),
        ("", "' "),
        ("", ") ;"),
        ("", ";"),
        ("", "let x = \"\\q\"; "),
        ("print \"", "\\q"),
        ("print \"", "{"),
    ] {
        let text = format!("{before}{}", unit.repeat(half / unit.len()));
        let mut sources = Sources::default();
        let file = sources.add("m.dlm", text.as_str());
        let errors = parse(&sources, file).1;
        assert!(errors.len() <= 20, "{unit:?}");
        let formatted = crate::syntax::format_source(&text);
        assert_eq!(formatted.is_err(), !errors.is_empty(), "{unit:?}");
    }
}

#[test]
#[ignore = "a measurement"]
fn how_long_large_files_take() {
    for unit in [
        ")",
        "{}",
        "let x = a + b * c\n",
        "(a)\n",
        "\"{a}\",",
        "²",
        "{\n",
        "f(\n",
        "let x = )\n",
        "\n",
        "## d\n",
        "x[",
        "a ",
        "1,",
        "a;",
    ] {
        for megabytes in [1, 2] {
            let text = unit.repeat((megabytes << 20) / unit.len());
            let start = std::time::Instant::now();
            let mut sources = Sources::default();
            let file = sources.add("m.dlm", text);
            let errors = parse(&sources, file).1.len();
            println!(
                "{unit:?} {megabytes} MB: {:?}, {errors} errors",
                start.elapsed()
            );
        }
    }
}
