//! What each pass is for: every `tests/passes/PASS.txt` or `PASS-CASE.txt` holds a graph before the pass and, below the line `---`, the graph
//! after it. `DLMC_BLESS=1 cargo test --test passes` writes the lower parts anew.
use dlmc::base::tensor::Tensor;
use dlmc::interp::{Precision, run};
use dlmc::pass::PIPELINE;
use dlmc::testing::Rng;
use dlmc::tir::Graph;
use dlmc::tir::parse::parse;
use dlmc::tir::verify::verify;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const LINE: &str = "---\n";

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/passes");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// The name of the pass that a case is of.
fn pass_of(path: &Path) -> String {
    let name = path.file_stem().unwrap().to_str().unwrap();
    name.split('-').next().unwrap_or(name).into()
}

fn graph(path: &Path, text: &str) -> Graph {
    let graph = parse(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    verify(&graph).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    graph
}

fn after(path: &Path, before: &Graph) -> Graph {
    let name = pass_of(path);
    let pass = PIPELINE.iter().find(|pass| pass.name == name);
    let pass = pass.unwrap_or_else(|| panic!("{}: there is no pass `{name}`", path.display()));
    (pass.run)(before)
}

/// The graph's outputs for inputs of a fixed seed, in double precision.
fn results(path: &Path, graph: &Graph) -> Vec<Vec<f64>> {
    let mut rng = Rng::new(7);
    let inputs: Vec<Tensor> = graph
        .inputs
        .iter()
        .map(|input| rng.tensor(&input.ty, -1.0, 1.0))
        .collect();
    let outputs = run(graph, &inputs, Precision::F64);
    let outputs = outputs.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    outputs.iter().map(Tensor::to_f64).collect()
}

#[test]
fn passes_do_what_they_are_for() {
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, expected) = text.split_once(LINE).unwrap_or((&text, ""));
        let found = after(&path, &graph(&path, before)).to_string();
        if std::env::var_os("DLMC_BLESS").is_some() && found != expected {
            std::fs::write(&path, format!("{before}{LINE}{found}")).unwrap();
        } else {
            assert_eq!(found, expected, "{}", path.display());
        }
    }
}

#[test]
fn passes_keep_the_meaning() {
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        let before = graph(&path, text.split(LINE).next().unwrap());
        let after = after(&path, &before);
        verify(&after).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (old, new) = (results(&path, &before), results(&path, &after));
        assert_eq!(old.len(), new.len());
        for (old, new) in old.iter().zip(&new) {
            assert_eq!(old.len(), new.len());
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * (1.0 + a.abs());
            assert!(
                old.iter().zip(new).all(near),
                "{}:\n{old:?}\n{new:?}",
                path.display()
            );
        }
    }
}

#[test]
fn every_pass_has_a_case_that_it_changes() {
    let mut changed = BTreeSet::new();
    for path in cases() {
        let text = std::fs::read_to_string(&path).unwrap();
        let before = graph(&path, text.split(LINE).next().unwrap());
        if after(&path, &before).to_string() != before.to_string() {
            changed.insert(pass_of(&path));
        }
    }
    for pass in PIPELINE {
        assert!(changed.contains(pass.name), "no case of `{}`", pass.name);
    }
}
