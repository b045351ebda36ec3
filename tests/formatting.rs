//! `dlmc fmt`: the programs of this repository are formatted, blanks never matter, and the command does what it says.
use dlmc::base::source::FileId;
use dlmc::syntax::token::{lex, tokens};
use dlmc::{FormatError, format_source};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder with that ending, by name.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("readable").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
}

/// Every program of the repository, those of its documents among them, with where it stands.
fn corpus() -> Vec<(String, String)> {
    let mut programs = Vec::new();
    let mut paths = Vec::new();
    for folder in ["examples", "std", "tests", "bench"] {
        files(&root().join(folder), "dlm", &mut paths);
    }
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a text");
        programs.push((path.display().to_string(), text));
    }
    let mut documents = vec![root().join("README.md")];
    files(&root().join("docs"), "md", &mut documents);
    for path in documents {
        let text = std::fs::read_to_string(&path).expect("a text");
        for (at, block) in text.split("```dlm").skip(1).enumerate() {
            let (mark, block) = block.split_once('\n').expect("the block ends");
            if matches!(mark.trim(), "wrong" | "right") {
                continue;
            }
            let code = block.split("```").next().expect("the block ends");
            programs.push((format!("{}, block {at}", path.display()), code.to_string()));
        }
    }
    programs
}

/// The tokens of a program without their places.
fn meaning(text: &str) -> Vec<String> {
    let stream = tokens(text, FileId(0)).stream;
    stream.iter().map(|t| t.1.to_string()).collect()
}

/// The comments of a program, found by hand.
fn comments(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut quoted = false;
            let mut escaped = false;
            let at = line.find(|c| {
                match c {
                    '"' if !escaped => quoted = !quoted,
                    '#' if !quoted => return true,
                    _ => {}
                }
                escaped = c == '\\' && !escaped;
                false
            });
            at.map(|at| line[at..].trim_end().to_string())
        })
        .collect()
}

#[test]
fn the_programs_of_this_repository_are_formatted() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, text) in corpus() {
        match format_source(&text) {
            Ok(formatted) => {
                count += 1;
                assert_eq!(meaning(&text), meaning(&formatted), "{name}");
                assert_eq!(comments(&text), comments(&formatted), "{name}");
                assert_eq!(format_source(&formatted).as_ref(), Ok(&formatted), "{name}");
                if formatted != text {
                    wrong.push(name);
                }
            }
            Err(FormatError::Program(diagnostics)) => {
                let wrong = ["/ui/", "/mistakes/"]
                    .iter()
                    .any(|folder| name.contains(folder));
                assert!(wrong, "{name}: {diagnostics:?}")
            }
            Err(FormatError::Formatter(what)) => panic!("{name}: {what}"),
        }
    }
    assert!(count >= 100, "{count} programs");
    assert!(wrong.is_empty(), "not formatted: {wrong:#?}");
}

/// Numbers that look random, all of them from the seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)) >> 11) % sides
    }

    fn blank(&mut self) -> &'static str {
        ["", " ", "  ", "\t", "\r", "     "][self.below(6) as usize]
    }
}

/// A line with other blanks between its tokens.
fn damaged_line(line: &str, dice: &mut Dice) -> String {
    let (words, _) = lex(line, FileId(0));
    let mut text = dice.blank().to_string();
    let mut end = 0;
    let mut before = "";
    for (start, _, stop) in words {
        let word = &line[start..stop];
        let joined = format!("{before}{word}");
        let (apart, _) = lex(&joined, FileId(0));
        let join = apart.len() == 2 && apart[0].2 == before.len();
        let blank = if end == 0 { "" } else { dice.blank() };
        text.push_str(if blank.is_empty() && end > 0 && !join {
            " "
        } else {
            blank
        });
        text.push_str(word);
        (end, before) = (stop, word);
    }
    text.push_str(dice.blank());
    text + line[end..].trim_start() + dice.blank() + if dice.below(2) == 0 { "\n" } else { "\r\n" }
}

/// A formatted program with its blanks, indentation and empty lines in disorder.
fn damaged(text: &str, dice: &mut Dice) -> String {
    let empty = |dice: &mut Dice| -> String {
        (0..dice.below(3))
            .map(|_| dice.blank().to_string() + "\n")
            .collect()
    };
    let mut result = empty(dice);
    for line in text.lines() {
        result += &damaged_line(line, dice);
        if line.trim().is_empty() || line.ends_with(['{', '(', '[']) {
            result += &empty(dice);
        }
    }
    result + &empty(dice)
}

static PROGRAMS: LazyLock<Vec<(String, String)>> = LazyLock::new(corpus);

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blanks_do_not_matter(seed: u64) {
        let programs = &*PROGRAMS;
        let mut dice = Dice(seed);
        let (name, text) = &programs[dice.below(programs.len() as u64) as usize];
        if let Ok(formatted) = format_source(text) {
            let disorder = damaged(&formatted, &mut dice);
            prop_assert_eq!(format_source(&disorder), Ok(formatted), "{}\n{}", name, disorder);
        }
    }
}

#[cfg(feature = "cli")]
mod command {
    use super::*;
    use std::process::{Command, Output, Stdio};

    /// A folder of a test's own, gone at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("dlmc-fmt-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("made");
            Folder(path)
        }

        fn write(&self, name: &str, text: &str) -> String {
            let path = self.0.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        }

        fn read(&self, name: &str) -> String {
            std::fs::read_to_string(self.0.join(name)).expect("a text")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }

    fn fmt(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
        use std::io::Write;
        let mut child = Command::new(env!("CARGO_BIN_EXE_dlmc"))
            .arg("fmt")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        // A command that does not read its input closes it, which is no fault.
        let _ = child
            .stdin
            .take()
            .expect("piped")
            .write_all(input.as_bytes());
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().expect("ends");
        let text = |bytes| String::from_utf8(bytes).expect("a text");
        (status.code(), text(stdout), text(stderr))
    }

    #[test]
    fn standard_input_goes_to_standard_output() {
        let (code, out, err) = fmt(&["-"], "let a=1 # one\r\n\r\n\r\nprint(a)");
        assert_eq!(
            (code, out.as_str(), err.as_str()),
            (Some(0), "let a = 1  # one\n\nprint (a)\n", "")
        );
        assert_eq!(fmt(&["-"], " \n\n").1, "");
        let (code, out, err) = fmt(&["-"], "let a = (1");
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.contains("E0106") && err.contains("<stdin>"), "{err}");
        let (code, out, _) = fmt(&["-", "--check"], "let a=1\n");
        assert_eq!(code, Some(1));
        assert!(out.contains("-let a=1\n+let a = 1"), "{out}");
        assert_eq!(
            fmt(&["-", "--check"], "let a = 1\n"),
            (Some(0), String::new(), String::new())
        );
        assert_eq!(fmt(&[], "").0, Some(2));
    }

    #[test]
    fn folders_are_walked_and_faults_stop_nothing() {
        let folder = Folder::new("walk");
        folder.write("a.dlm", "let a=1\n");
        folder.write("deep/b.dlm", "let b=1\n");
        folder.write("deep/c.dlm", "let c = 1\n");
        folder.write("deep/wrong.dlm", "let =  1\n");
        folder.write("deep/other.txt", "let b=1\n");
        folder.write(".hidden/d.dlm", "let d=1\n");
        let path = folder.0.display().to_string();

        let (code, out, err) = fmt(&["--check", &path], "");
        assert_eq!(code, Some(1));
        assert!(
            out.contains("a.dlm\n@@ line 1 @@\n-let a=1\n+let a = 1\n"),
            "{out}"
        );
        assert!(out.contains("b.dlm") && !out.contains("c.dlm"), "{out}");
        assert!(err.contains("wrong.dlm"), "{err}");
        assert_eq!(folder.read("a.dlm"), "let a=1\n");

        let (code, out, err) = fmt(&[&path], "");
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(
            err.contains("wrong.dlm") && err.contains("formatted"),
            "{err}"
        );
        assert_eq!(folder.read("a.dlm"), "let a = 1\n");
        assert_eq!(folder.read("deep/b.dlm"), "let b = 1\n");
        assert_eq!(folder.read("deep/wrong.dlm"), "let =  1\n");
        assert_eq!(folder.read("deep/other.txt"), "let b=1\n");
        assert_eq!(folder.read(".hidden/d.dlm"), "let d=1\n");
        assert_eq!(std::fs::read_dir(&folder.0).expect("there").count(), 3);

        let good = folder.write("a.dlm", "let a=2\n");
        let missing = folder.0.join("missing.dlm").display().to_string();
        let (code, _, err) = fmt(&[&missing, &good], "");
        assert_eq!(code, Some(2));
        assert!(err.contains("missing.dlm"), "{err}");
        assert_eq!(folder.read("a.dlm"), "let a = 2\n");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("links");
        let real = folder.write("real.dlm", "let a=1\n");
        let link = folder.0.join("link.dlm");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        let mode = |mode| {
            std::fs::set_permissions(&real, std::fs::Permissions::from_mode(mode)).expect("set")
        };
        mode(0o640);
        assert_eq!(fmt(&[&link.display().to_string()], "").0, Some(0));
        assert!(link.symlink_metadata().expect("there").is_symlink());
        assert_eq!(folder.read("real.dlm"), "let a = 1\n");
        let kept = std::fs::metadata(&real).expect("there").permissions();
        assert_eq!(kept.mode() & 0o777, 0o640);

        folder.write("real.dlm", "let a=2\n");
        mode(0o440);
        let (code, _, err) = fmt(&[&real], "");
        assert_eq!(code, Some(2));
        assert!(err.contains("cannot be written"), "{err}");
        assert_eq!(folder.read("real.dlm"), "let a=2\n");
    }
}
