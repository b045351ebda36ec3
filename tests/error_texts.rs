//! docs/errors.md: every code that the compiler can give has a text, and its examples show what they say.
#![cfg(feature = "cli")]

use dlmc::base::source::Sources;
use dlmc::cli::explain_error::{Example, Explanation, explanations};
use dlmc::data::FileProvider;
use dlmc::session::{Settings, Source, checked};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Codes that no short program of the checker shows: limits of size, several files, states of other programs, what only the prompt says, faults.
const WITHOUT_EXAMPLE: &[&str] = &[
    "E0101", "E0105", "E0204", "E0205", "E0503", "E0604", "E0606", "E0607", "E0699", "W0201",
];

/// The codes that stand in the sources as strings.
fn codes(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            codes(&path, found);
        } else if name.ends_with(".rs") && !name.contains("tests") {
            let text = std::fs::read_to_string(&path).expect("readable");
            let program = text.split("#[cfg(test)]").next().unwrap_or("");
            let strings = program.split('"').skip(1);
            found.extend(strings.filter(|text| is_code(text)).map(String::from));
        }
    }
}

fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix(['E', 'W']).unwrap_or("");
    digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn every_code_has_a_text_and_every_text_a_code() {
    let mut found = BTreeSet::new();
    codes(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    let told: BTreeSet<String> = explanations().iter().map(|e| e.code.to_string()).collect();
    assert!(found.len() > 100, "{found:?}");
    let missing: Vec<_> = found.difference(&told).collect();
    assert!(missing.is_empty(), "docs/errors.md lacks {missing:?}");
    let extra: Vec<_> = told.difference(&found).collect();
    assert!(extra.is_empty(), "no source gives {extra:?}");
    assert_eq!(told.len(), explanations().len(), "a code stands twice");
}

/// The codes of the errors and warnings of a program, in order.
fn given(example: &Example) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    if example.runs {
        return given_by_a_run(example);
    }
    let source = Source {
        name: "example.dlm".into(),
        text: example.program.clone(),
        base_dir: folder.into(),
    };
    let pairs = example.settings.iter().filter_map(|s| s.split_once('='));
    let settings = Settings {
        hypers: pairs.map(|(n, v)| (n.into(), v.into())).collect(),
        ..Settings::default()
    };
    let mut sources = Sources::default();
    let checked = checked(&source, &mut sources, &mut FileProvider::new(), &settings);
    let all = checked.diagnostics.iter();
    all.map(|d| d.code.to_string()).collect()
}

fn given_by_a_run(example: &Example) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("dlmc-errors-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("example.dlm");
    std::fs::write(&path, &example.program).expect("written");
    let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .arg("run")
        .arg(&path)
        .output()
        .expect("it starts");
    std::fs::remove_dir_all(&folder).ok();
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    let heads = text.lines().filter_map(|line| {
        let head = line.strip_prefix("error[");
        head.or_else(|| line.strip_prefix("warning["))
    });
    let codes = heads.filter_map(|rest| rest.get(..5));
    codes.map(String::from).collect()
}

#[test]
fn examples_give_their_error_before_and_none_after() {
    let mut wrong = Vec::new();
    for Explanation { code, examples, .. } in explanations() {
        let without = WITHOUT_EXAMPLE.contains(&code);
        let kinds: Vec<bool> = examples.iter().map(|example| example.right).collect();
        let wanted: &[bool] = if without { &[] } else { &[false, true] };
        assert_eq!(kinds, wanted, "{code}");
        for example in &examples {
            let found = given(example);
            let good = match example.right {
                true => found.is_empty(),
                false => found == [code],
            };
            if !good {
                wrong.push(format!("{code}: {found:?} of\n{}", example.program));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn examples_are_written_as_the_formatter_writes() {
    for Explanation { code, examples, .. } in explanations() {
        for example in examples.iter().filter(|example| example.right) {
            let formatted = dlmc::format_source(&example.program).expect("it parses");
            assert_eq!(formatted, example.program, "{code}");
        }
    }
}

#[test]
fn the_command_explains_lists_and_finds_the_nearest() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_dlmc"))
            .arg("explain-error")
            .args(arguments)
            .output()
            .expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (code, out, _) = run(&["e317"]);
    assert_eq!(code, Some(0));
    for part in [
        "E0317: the inner sizes",
        "Wrong:\n      print zeros[2, 3] @",
        "Right:\n",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    assert!(!out.contains('\u{1b}') && !out.contains("```"), "{out}");
    let (code, out, _) = run(&[]);
    assert!(code == Some(0) && out.lines().count() > 110, "{out}");
    let (code, out, err) = run(&["E0316x", "E0201"]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("did you mean") && out.contains("an unknown name"),
        "{err}"
    );
}
