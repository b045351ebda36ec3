//! Wrong programs and what is said of them: each `tests/ui/NAME.dlm` against `tests/ui/NAME.txt`.
//! `DLMC_BLESS=1 cargo test --test ui` writes the expectations anew.
use dlmc::base::render::render_plain;
use dlmc::base::source::Sources;
use dlmc::check::{CheckOptions, check};
use dlmc::data::FileProvider;
use dlmc::syntax::parse;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")
}

/// All that is said of a program, with paths of this machine taken out.
fn said(path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let (tree, mut diagnostics) = parse(&sources, file);
    let options = CheckOptions {
        base_dir: folder().to_str().unwrap().into(),
        ..CheckOptions::default()
    };
    let (program, more) = check(&tree, &mut sources, &mut FileProvider::new(), &options);
    diagnostics.extend(more);
    assert!(
        program.is_none() || !diagnostics.is_empty(),
        "{name} is a wrong program, yet nothing is said of it"
    );
    let texts: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| render_plain(diagnostic, &sources))
        .collect();
    texts
        .join("\n")
        .replace(folder().to_str().unwrap(), "FOLDER")
}

#[test]
fn every_wrong_program_is_told_what_is_wrong() {
    let mut programs: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "dlm"))
        .collect();
    programs.sort();
    assert!(programs.len() >= 40);
    let mut differing = Vec::new();
    for path in programs {
        let found = said(&path);
        let expectation = path.with_extension("txt");
        if std::env::var_os("DLMC_BLESS").is_some() {
            std::fs::write(&expectation, &found).unwrap();
        } else if std::fs::read_to_string(&expectation).unwrap_or_default() != found {
            differing.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}
