//! Links between documents, and paths of the source that they name.
use std::path::{Path, PathBuf};

/// Folders of the repository that hold documents.
const FOLDERS: &[&str] = &["", "docs", "editors", "examples", "fuzz", "tests"];

/// Every document of the repository.
pub fn documents(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        walk(&root.join(folder), !folder.is_empty(), &mut found);
    }
    found.sort();
    found
}

fn walk(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() && deep && !path.ends_with("node_modules") {
            walk(&path, deep, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
}

/// The targets of the links of a text, without code.
fn targets(prose: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let text: String = prose.split('`').step_by(2).collect::<Vec<_>>().join("code");
    for part in text.split("](").skip(1) {
        let target = part.split([')', ' ']).next().unwrap_or("");
        targets.push(target.to_string());
    }
    targets
}

/// The anchor that a heading has on GitHub.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let text: String = heading.trim().to_lowercase().chars().filter(kept).collect();
    text.replace(' ', "-")
}

/// What is wrong with the links of a document's prose.
pub fn wrong_links(document: &Path, prose: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for target in targets(prose) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, place) = target.split_once('#').unwrap_or((&target, ""));
        let folder = document.parent().expect("a folder");
        let path = if file.is_empty() {
            document.to_path_buf()
        } else {
            folder.join(file)
        };
        if !path.exists() {
            wrong.push(format!("the link {target} leads nowhere"));
        } else if !place.is_empty() && !has_anchor(&path, place) {
            wrong.push(format!("no heading of {file} is called #{place}"));
        }
    }
    wrong
}

fn has_anchor(path: &Path, place: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#')));
    anchors.any(|anchor| anchor == place)
}

/// What stands between single backticks.
pub fn code_words(prose: &str) -> Vec<&str> {
    prose.split('`').skip(1).step_by(2).collect()
}

/// Files that the text names in backticks and that are neither in the repository nor in a folder above the document.
pub fn missing_files(root: &Path, document: &Path, prose: &str) -> Vec<String> {
    let rooms = ["src/", "tests/", "std/", "docs/", "examples/", "bench/"];
    let plain = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    let is_path =
        |word: &&str| rooms.iter().any(|room| word.starts_with(room)) && word.chars().all(plain);
    let is_there = |word: &&str| {
        let above = document
            .ancestors()
            .take_while(|folder| folder.starts_with(root));
        above.into_iter().any(|folder| folder.join(word).exists())
    };
    let words = code_words(prose).into_iter().filter(is_path);
    let missing = words.filter(|word| !is_there(word));
    missing.map(|word| format!("there is no {word}")).collect()
}
