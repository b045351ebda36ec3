//! `docs/standard_library.md` is made of the `##` lines of `std/*.dlm`: what is documented there is what is compiled.
//! `DLMC_BLESS=1` writes it anew.
use std::fmt::Write;
use std::path::Path;

/// One declaration: its head up to the body, and the lines that document it.
struct Entry {
    head: String,
    documentation: String,
}

/// The head of a declaration that starts at this line: joined up to the brace that opens its body.
fn head(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let line = line.trim();
        match line
            .strip_suffix('{')
            .or_else(|| line.split_once(" { ").map(|(head, _)| head))
        {
            Some(last) => {
                text.push_str(last.trim_end());
                return text.replace("( ", "(").replace(" )", ")");
            }
            None => {
                text.push_str(line);
                text.push(' ');
            }
        }
    }
    panic!("a declaration without a body: {text}")
}

fn entries(source: &str) -> Vec<Entry> {
    let lines: Vec<&str> = source.lines().collect();
    let mut documentation = Vec::new();
    let mut entries = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(text) = line.strip_prefix("##") {
            documentation.push(text.trim());
        } else if ["fn ", "layer ", "optimizer "]
            .iter()
            .any(|word| line.starts_with(word))
        {
            entries.push(Entry {
                head: head(&lines[at..]),
                documentation: documentation.join(" "),
            });
            documentation.clear();
        } else {
            documentation.clear();
        }
    }
    entries
}

/// The whole page.
fn page() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("std");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the standard library")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    let mut page = String::from(
        "# The standard library\n\nWritten in the language itself, in [`std/`](../std); this page is made of its `##` comments.\n",
    );
    for path in files {
        let source = std::fs::read_to_string(&path).expect("readable");
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let about: Vec<&str> = source
            .lines()
            .take_while(|line| line.starts_with("# "))
            .map(|line| line.trim_start_matches("# "))
            .collect();
        let _ = write!(page, "\n## {name}\n\n{}\n", about.join(" "));
        for entry in entries(&source) {
            assert!(
                !entry.documentation.is_empty(),
                "{name}: `{}` is not documented",
                entry.head
            );
            let _ = write!(
                page,
                "\n```text\n{}\n```\n\n{}\n",
                entry.head, entry.documentation
            );
        }
    }
    page
}

#[test]
fn the_page_says_what_the_sources_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/standard_library.md");
    let page = page();
    if std::env::var_os("DLMC_BLESS").is_some() {
        std::fs::write(&path, &page).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("the page");
    assert!(
        kept == page,
        "docs/standard_library.md is old: DLMC_BLESS=1 writes it anew"
    );
}
