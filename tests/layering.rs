//! The house's rules that a compiler does not check, over every source file under `src/`: a room names only rooms below it, files stay
//! short, `unsafe` stays in two rooms, and nothing is left unfinished.
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The rooms, each with its floor. A room may name rooms of lower floors only, so rooms of one floor never name one another.
const ROOMS: &[(&str, u32)] = &[
    ("base", 0),
    ("syntax", 1),
    ("tir", 1),
    ("kir", 2),
    ("ops", 2),
    ("check", 3),
    ("grad", 3),
    ("pass", 3),
    ("interp", 3),
    ("lower", 4),
    ("jit", 5),
    ("runtime", 5),
    ("data", 5),
    // Generators of programs and oracles of the tests; they run all that stands below.
    ("testing", 6),
    ("train", 6),
    ("session", 7),
    ("engine", 8),
    // `dlmc predict` uses the library as a host does.
    ("cli", 9),
    // The doors: they name all rooms.
    ("lib", 10),
    ("main", 10),
];

/// Rooms that may hold `unsafe` code.
const UNSAFE_ROOMS: &[&str] = &["jit", "runtime"];

/// Crates that one room alone may name.
const CRATES: &[(&str, &str)] = &[
    ("cranelift_codegen", "jit"),
    ("cranelift_frontend", "jit"),
    ("cranelift_jit", "jit"),
    ("cranelift_module", "jit"),
    ("cranelift_native", "jit"),
    ("lalrpop_util", "syntax"),
    ("logos", "syntax"),
    ("clap", "cli"),
    ("clap_complete", "cli"),
    ("clap_mangen", "cli"),
    ("anstream", "cli"),
    ("rustyline", "cli"),
];

/// Most lines of a file.
const MOST_LINES: usize = 800;

fn floor(room: &str) -> Option<u32> {
    let row = ROOMS.iter().find(|(name, _)| *name == room);
    row.map(|(_, floor)| *floor)
}

/// A source file.
struct File {
    /// Its path below `src/`, its parts joined by `/`.
    path: String,
    /// The room that it belongs to.
    room: String,
    /// Modules from the crate's root to it: 1 for `base/mod.rs`, 2 for `base/source.rs`.
    depth: usize,
    text: String,
}

impl File {
    fn new(path: &str, text: String) -> File {
        let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
        let inner = parts.len() - usize::from(parts.last() == Some(&"mod"));
        let depth = if path == "lib.rs" { 0 } else { inner };
        File {
            path: path.into(),
            room: parts[0].into(),
            depth,
            text,
        }
    }

    /// Whether the whole file is of tests, which may name any room.
    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/") || self.is_of("grad/kinds")
    }

    fn is_of(&self, folder: &str) -> bool {
        self.path.starts_with(&format!("{folder}/"))
    }
}

/// Every Rust file under `src/`.
fn files() -> Vec<File> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<File>) {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(File::new(&name.replace('\\', "/"), text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    assert!(found.len() > 100, "the sources are found");
    found
}

/// The text with the inside of comments, strings and character literals made blank, line by line the same.
fn code_only(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = skipped(&characters, at);
        if end > at {
            let inside = &characters[at..end];
            out.extend(inside.iter().map(|&c| if c == '\n' { c } else { ' ' }));
            at = end;
        } else {
            out.push(characters[at]);
            at += 1;
        }
    }
    out
}

/// The end of the comment or literal that begins here; `at` itself where none does.
fn skipped(text: &[char], at: usize) -> usize {
    let next = |from: usize| text.get(from).copied().unwrap_or('\0');
    let find = |from: usize, wanted: &[char]| {
        (from..text.len())
            .find(|&start| text[start..].starts_with(wanted))
            .map_or(text.len(), |start| start + wanted.len())
    };
    let in_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    match text[at] {
        '/' if next(at + 1) == '/' => find(at, &['\n']) - 1,
        '/' if next(at + 1) == '*' => find(at + 2, &['*', '/']),
        'r' if !in_word && (next(at + 1) == '"' || next(at + 1) == '#') => {
            let hashes = (at + 1..).take_while(|&i| next(i) == '#').count();
            if next(at + 1 + hashes) != '"' {
                return at;
            }
            let mut close = vec!['"'];
            close.resize(hashes + 1, '#');
            find(at + 2 + hashes, &close)
        }
        '"' => {
            let mut end = at + 1;
            while end < text.len() && text[end] != '"' {
                end += if text[end] == '\\' { 2 } else { 1 };
            }
            (end + 1).min(text.len())
        }
        '\'' if next(at + 1) == '\\' => find(at + 3, &['\'']),
        '\'' if next(at + 2) == '\'' => at + 3,
        _ => at,
    }
}

/// The code above the tests that stand at a file's end.
fn without_tests(code: &str) -> &str {
    let tests = code.match_indices("#[cfg(test)]").find(|(at, _)| {
        let rest = code[*at..].lines().nth(1).unwrap_or("");
        rest.trim_start().starts_with("mod ") && rest.trim_end().ends_with('{')
    });
    tests.map_or(code, |(at, _)| &code[..at])
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// The first names of a path's continuation: `{a::b, c}` gives a and c, `a::b` gives a.
fn first_names(after: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(list) = after.strip_prefix('{') else {
        return vec![word(after)];
    };
    let (mut names, mut level, mut fresh) = (Vec::new(), 0, true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level == 0 => break,
            '}' => level -= 1,
            ',' if level == 0 => fresh = true,
            c if fresh && !c.is_whitespace() => {
                names.push(word(&list[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// Every room that the code names, with its line: by `crate::room`, or by more `super::` than there are modules around.
fn named_rooms(file: &File, code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let own = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if !own {
            let names = first_names(&code[at + "crate::".len()..]);
            found.extend(names.into_iter().map(|name| (line_of(code, at), name)));
        }
    }
    let mut at = 0;
    while let Some(start) = code[at..].find("super::").map(|found| at + found) {
        let steps = code[start..]
            .split("super::")
            .skip(1)
            .take_while(|rest| rest.is_empty())
            .count()
            + 1;
        at = start + steps * "super::".len();
        if steps >= file.depth {
            let names = first_names(&code[at..]);
            found.extend(names.into_iter().map(|name| (line_of(code, start), name)));
        }
    }
    found
}

/// The upward dependencies of one file, a line each.
fn upward(file: &File) -> String {
    let code = code_only(&file.text);
    let code = without_tests(&code);
    let mut faults = String::new();
    let Some(own) = floor(&file.room) else {
        return format!(
            "src/{}: `{}` has no floor in the list\n",
            file.path, file.room
        );
    };
    for (line, name) in named_rooms(file, code) {
        let fault = match floor(&name) {
            Some(other) => name != file.room && other >= own,
            // What the crate's root exports of `engine` and others stands above all rooms.
            None => own < 9 && name.starts_with(char::is_uppercase),
        };
        if fault {
            let _ = writeln!(
                faults,
                "src/{}:{line}: `{}` names `{name}`",
                file.path, file.room
            );
        }
    }
    faults
}

/// Places of a word in code.
fn words(code: &str, word: &str) -> Vec<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .filter(|(at, _)| {
            !code[..*at].ends_with(is_part) && !code[at + word.len()..].starts_with(is_part)
        })
        .map(|(at, _)| line_of(code, at))
        .collect()
}

#[test]
fn rooms_name_only_rooms_below() {
    let files = files();
    let faults: String = files
        .iter()
        .filter(|file| !file.is_test())
        .map(upward)
        .collect();
    assert!(faults.is_empty(), "upward dependencies:\n{faults}");
}

#[test]
fn outer_crates_stay_in_their_rooms() {
    let mut faults = String::new();
    for file in files() {
        let code = code_only(&file.text);
        for (name, room) in CRATES.iter().filter(|(_, room)| *room != file.room) {
            for line in words(&code, name) {
                let path = &file.path;
                let _ = writeln!(faults, "src/{path}:{line}: `{name}` is `{room}`'s alone");
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn files_are_short() {
    let mut faults = String::new();
    for file in files() {
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            let _ = writeln!(
                faults,
                "src/{}:{lines}: {lines} lines, more than {MOST_LINES}",
                file.path
            );
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn unsafe_code_stays_in_its_rooms() {
    let mut faults = String::new();
    for file in files() {
        if UNSAFE_ROOMS.contains(&file.room.as_str()) {
            continue;
        }
        for line in words(&code_only(&file.text), "unsafe") {
            let _ = writeln!(faults, "src/{}:{line}: `unsafe`", file.path);
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn nothing_is_left_unfinished() {
    let mut faults = String::new();
    for file in files() {
        let code = code_only(&file.text);
        let mut report = |line: usize, word: &str| {
            let _ = writeln!(faults, "src/{}:{line}: `{word}`", file.path);
        };
        for word in ["todo", "unimplemented", "dbg"] {
            let calls = words(&code, word).into_iter();
            calls
                .filter(|line| {
                    code.lines()
                        .nth(line - 1)
                        .unwrap()
                        .contains(&format!("{word}!"))
                })
                .for_each(|line| report(line, word));
        }
        for word in ["TODO", "FIXME", "XXX", "HACK"] {
            words(&file.text, word)
                .into_iter()
                .for_each(|line| report(line, word));
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn the_checks_find_faults() {
    let file = |path: &str, text: &str| upward(&File::new(path, text.into()));
    let found = file(
        "tir/a.rs",
        "use crate::base::x;\nuse crate::{\n base::a, pass::{b, c}};",
    );
    assert_eq!(found, "src/tir/a.rs:2: `tir` names `pass`\n");
    let found = file(
        "check/deep/a.rs",
        "\nfn f() { super::super::super::grad::g() }",
    );
    assert_eq!(found, "src/check/deep/a.rs:2: `check` names `grad`\n");
    assert_eq!(file("check/a.rs", "use super::grad;"), "");
    assert_eq!(
        file("base/a.rs", "use crate::Engine;"),
        "src/base/a.rs:1: `base` names `Engine`\n"
    );
    assert_eq!(
        file("base/a.rs", "// crate::pass\nlet x = \"crate::pass\";"),
        ""
    );
    assert_eq!(
        file(
            "base/a.rs",
            "#[cfg(test)]\nmod tests {\n use crate::pass;\n}"
        ),
        ""
    );
    assert_eq!(
        words(
            &code_only("'\"' unsafe 'a unsafely r#\"unsafe\"#"),
            "unsafe"
        ),
        [1]
    );
}
