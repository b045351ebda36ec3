//! Which places mean the same name.
use crate::base::source::{Sources, Span};
use crate::syntax::names::{Names, Symbol};
use crate::syntax::parse::parse;

fn names(text: &str) -> Names {
    let mut sources = Sources::default();
    let file = sources.add("m.dlm", text);
    let (tree, errors) = parse(&sources, file);
    assert!(errors.is_empty(), "{errors:?}");
    Names::of(&tree, Span::new(file, 0, text.len()))
}

/// The symbol at a mark.
#[track_caller]
fn at<'a>(names: &'a Names, text: &str, mark: &str) -> &'a Symbol {
    let offset = text.find(mark).unwrap();
    let found = names.at(offset);
    found.unwrap_or_else(|| panic!("nothing at {mark}")).0
}

#[track_caller]
fn counts(text: &str, mark: &str, bindings: usize, uses: usize) {
    let names = names(text);
    let symbol = at(&names, text, mark);
    let found = (symbol.bindings.len(), symbol.uses.len());
    assert_eq!(found, (bindings, uses), "{mark} of {text}");
}

#[test]
fn bodies_have_scopes_and_see_the_file() {
    let text = "let x = 1\nfn f(y) { let x = x + y; x + g(x) }\nfn g(x) { x }\nprint x, f(y = 2)\n";
    counts(text, "x = 1", 1, 2);
    counts(text, "x = x", 1, 2);
    counts(text, "y) {", 1, 2);
    let names = names(text);
    assert!(!at(&names, text, "x = 1").ambiguous, "nothing repeats");
}

#[test]
fn sizes_of_signatures_belong_to_the_body() {
    let text = "hyper n = 3\nlayer f(u)(x: [..s, n]) -> [..s, u] {\n    param W: [n, u] = zeros\n    x @ W + n\n}\nprint n\n";
    counts(text, "n = 3", 1, 1);
    counts(text, "n]) ->", 1, 2);
    counts(text, "u)(x", 1, 2);
    counts(text, "s, n]", 1, 1);
}

#[test]
fn indices_scans_and_functions_have_their_own() {
    let text = "let i = 2\nlet y[i, j] = sum[k] a[i, k] * b[k, j]\nprint i\n";
    counts(text, "i = 2", 1, 1);
    counts(text, "i, j]", 1, 1);
    counts(text, "k] a", 1, 2);
    let text = "let h = 1\nlet z = scan x in xs over t, h = h { h + x }\nlet f = fn (x) { x + h }\nprint h\n";
    counts(text, "h = 1", 1, 3);
    counts(text, "h = h {", 1, 1);
    counts(text, "x) {", 1, 1);
}

#[test]
fn places_of_two_meanings_are_marked() {
    let turns = "let x = 1\nfn f(y) {\n    for i in 0..2 {\n        let z = x\n        let x = y\n    }\n    y\n}\n";
    let branch = "let x = 1\nfn f(y) {\n    if y > 1 { let x = y }\n    x\n}\n";
    for text in [turns, branch] {
        let names = names(text);
        assert!(at(&names, text, "x = 1").ambiguous, "{text}");
        assert!(at(&names, text, "x = y").ambiguous, "{text}");
    }
    let plain = "let x = 1\nfn f(y) {\n    let x = y\n    if y > 1 { let x = 2 * x }\n    x\n}\n";
    assert!(names(plain).symbols.iter().all(|symbol| !symbol.ambiguous));
    counts(plain, "x = y", 2, 2);
}

#[test]
fn what_is_visible_depends_on_the_place() {
    let text = "let a = 1\nfn f(b) { let c = b\n c }\nlet d = 2\n";
    let names = names(text);
    let seen = |mark: &str| -> Vec<String> {
        let symbols = names.visible(text.find(mark).unwrap()).into_iter();
        symbols.map(|symbol| symbol.name.to_string()).collect()
    };
    assert_eq!(seen("c }"), ["a", "b", "c", "d", "f"]);
    assert_eq!(seen("= 2"), ["a", "d", "f"]);
}
