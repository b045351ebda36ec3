//! Programs and what they print: each `tests/language/NAME.dlm` against `tests/language/NAME.out`, whose numbers were read when they were written.
//! `DLMC_BLESS=1 cargo test --test language` writes the expectations anew.
use std::path::{Path, PathBuf};
use std::process::Command;

fn printed(path: &Path) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .arg("run")
        .arg(path)
        .output()
        .expect("the program starts");
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {errors}", path.display());
    String::from_utf8(run.stdout).expect("the output is UTF-8")
}

#[test]
fn every_program_prints_what_it_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language");
    let mut programs: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "dlm"))
        .collect();
    programs.sort();
    assert!(programs.len() >= 4);
    for path in programs {
        let found = printed(&path);
        let expectation = path.with_extension("out");
        if std::env::var_os("DLMC_BLESS").is_some() {
            std::fs::write(&expectation, &found).expect("it can be written");
        }
        let expected = std::fs::read_to_string(&expectation).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
    }
}
