//! `dlmc doc`: what is documented, in a terminal's text and as a page.
#![cfg(feature = "cli")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn doc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .arg("doc")
        .args(arguments)
        .env_remove("FORCE_COLOR")
        .output()
        .expect("the command starts")
}

fn shown(arguments: &[&str], code: i32) -> (String, String) {
    let output = doc(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}\n{out}\n{err}"
    );
    (out, err)
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("dlmc-doc-{}-{name}", std::process::id()))
}

#[test]
fn a_name_is_told_with_its_signature_formula_source_and_text() {
    let (out, _) = shown(&["relu"], 0);
    let parts = [
        "fn relu(x: [..s]) -> [..s]\n",
        "`max(0, x)`",
        "Source: Nair and Hinton",
        "std/activations.dlm:",
        "        where(x <= 0, 0, x)\n",
    ];
    for part in parts {
        assert!(out.contains(part), "{part}\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "{out:?}");
    // A function of the library and a transform of data.
    let (out, _) = shown(&["flatten"], 0);
    assert!(out.contains("fn flatten(x") && out.contains("set |> flatten"));
    let (out, _) = shown(&["csv", "tanh"], 0);
    assert!(out.contains("    separator\n") && out.contains("hyperbolic tangent"));
    let (out, _) = shown(&["--color", "always", "relu"], 0);
    assert!(out.contains("\u{1b}[1mfn relu"), "{out:?}");
}

#[test]
fn the_index_has_a_line_for_each_name() {
    let (out, _) = shown(&[], 0);
    for part in [
        "\nlosses\n",
        "\n  cross_entropy  ",
        "\n  conv2d  ",
        "\n  minimize  ",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 110), "{out}");
    let (out, _) = shown(&["losses"], 0);
    assert!(out.contains("  mse  ") && !out.contains("relu"));
}

#[test]
fn an_unknown_name_is_told_the_nearest_one() {
    let (out, err) = shown(&["rleu", "mse"], 2);
    assert!(
        err.contains("`rleu`") && err.contains("did you mean `relu`?"),
        "{err}"
    );
    assert!(out.contains("fn mse("), "the others are shown all the same");
    let (_, err) = shown(&["rectifier"], 2);
    assert!(err.contains("these speak of it: relu"), "{err}");
}

#[test]
fn a_program_is_documented_by_its_own_comments() {
    let path = temporary("own.dlm");
    let text = "## Twice `x`.\n## Source: nobody (1999).\nfn twice(x: [n]) -> [n] { 2 * x }\nlayer bare(x: [n]) -> [n] { x }\n";
    std::fs::write(&path, text).expect("written");
    let name = path.to_str().expect("UTF-8");
    let (out, _) = shown(&["--file", name], 0);
    for part in [
        "fn twice(x: [n]) -> [n]\n",
        "  Twice `x`.\n",
        "nobody",
        "layer bare",
        "without documentation",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let (_, err) = shown(&["--file", name, "twise"], 2);
    assert!(err.contains("did you mean `twice`?"), "{err}");
    std::fs::write(&path, "fn twice(x: [n] -> [n] { 2 * x }\n").expect("written");
    let (out, err) = shown(&["--file", name], 1);
    assert!(out.is_empty() && err.contains("error[E01"), "{err}");
    std::fs::remove_file(&path).ok();
    let (_, err) = shown(&["--file", "no-such-file.dlm"], 2);
    assert!(err.contains("no-such-file.dlm"), "{err}");
}

#[test]
fn the_page_is_one_file_that_needs_no_other() {
    let path = temporary("page.html");
    let (out, err) = shown(&["--html", path.to_str().expect("UTF-8")], 0);
    assert!(out.is_empty() && err.contains("entries"), "{err}");
    let page = std::fs::read_to_string(&path).expect("the page");
    std::fs::remove_file(&path).ok();
    for part in [
        "<article id=\"relu\">",
        "id=\"search\"",
        "prefers-color-scheme: dark",
        "</html>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for part in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(part), "{part}");
    }
    // Each link within the page leads somewhere.
    for link in page.split(" href=\"#").skip(1) {
        let id = link.split('"').next().expect("the link ends");
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
    let (_, err) = shown(&["--html", "/no/such/folder/page.html"], 2);
    assert!(err.contains("cannot be written"), "{err}");
    shown(&["--html", "page.html", "relu"], 2);
}
