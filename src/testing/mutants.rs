//! Good inputs, spoilt: what the tests of bad input and the fuzzing targets share. Each entry function takes an input through everything
//! that reads it; an error is welcome, a panic is not.
use super::Rng;
use super::differential::{first_difference, run_compiled};
use super::pass_by_pass::work;
use crate::base::data::{DataOption, DataProvider, DataSource, DataSpec, READER_NAMES, Transform};
use crate::base::diagnostic::Severity;
use crate::base::source::{FileId, Sources};
use crate::base::tensor::Tensor;
use crate::check::{CheckOptions, check};
use crate::data::survey::{Dialect, survey};
use crate::data::{FileProvider, safetensors};
use crate::grad::expand;
use crate::interp::{Precision, run};
use crate::pass::optimise;
use crate::syntax::print::print_ast;
use crate::syntax::token::{print_tokens, tokens};
use crate::syntax::{is_incomplete, parse, parse_expression};
use crate::tir::Graph;
use crate::tir::verify::verify;
use std::path::Path;

/// A text through lexer, grammar and printer of the tree.
pub fn read_source(text: &str) {
    let mut sources = Sources::default();
    let file = sources.add("m.dlm", text);
    let (tree, _) = parse(&sources, file);
    print_ast(&tree);
    parse_expression(&sources, file);
    is_incomplete(text);
    print_tokens(text, FileId(0));
}

/// A text through grammar and elaboration. Without a program there must be an error.
///
/// # Panics
/// Where a program is refused in silence.
pub fn check_program(text: &str, provider: &mut dyn DataProvider, base_dir: &str) {
    let mut sources = Sources::default();
    let file = sources.add("m.dlm", text);
    let (tree, mut diagnostics) = parse(&sources, file);
    let options = CheckOptions {
        base_dir: base_dir.into(),
        ..CheckOptions::default()
    };
    let (program, said) = check(&tree, &mut sources, provider, &options);
    diagnostics.extend(said);
    let refused = diagnostics.iter().any(|d| d.severity == Severity::Error);
    assert!(program.is_some() || refused, "no program and no error");
    for diagnostic in &diagnostics {
        crate::base::render::render(diagnostic, &sources, false);
    }
}

/// A file's content through every reader of data sets, of weights, and through what describes a file to a person. It lies under two names
/// in `folder` meanwhile, one of them a picture's.
///
/// # Panics
/// Where the folder takes no files.
pub fn read_data(folder: &Path, content: &[u8]) {
    let (name, picture) = ("a", "a.png");
    for name in [name, picture] {
        std::fs::write(folder.join(name), content).expect("the folder takes files");
    }
    let windows = Transform {
        name: "windows".into(),
        arguments: vec![DataOption::Number(2.0)],
        options: Vec::new(),
    };
    let readers = READER_NAMES.iter().map(|&reader| {
        let name = if reader == "images" { picture } else { name };
        (reader, vec![name.to_string()])
    });
    let labelled = ("idx", vec![name.to_string(); 2]);
    for (reader, paths) in readers.chain([labelled]) {
        for transforms in [Vec::new(), vec![windows.clone()]] {
            let spec = DataSpec {
                source: DataSource::Reader {
                    name: reader.into(),
                    paths: paths.clone(),
                    options: Vec::new(),
                },
                transforms,
                base_dir: folder.display().to_string(),
            };
            // Errors are what is wanted here.
            let _ = FileProvider::new().with_limit(1 << 24).open(&spec);
        }
    }
    let _ = safetensors::load(folder.join(name));
    for name in [name, picture] {
        let _ = survey(
            &folder.join(name).display().to_string(),
            &Dialect::default(),
        );
    }
}

/// The text of a tensor graph through parser, verifier and printer.
///
/// # Panics
/// Where a graph that was read prints to a text that does not read back.
pub fn read_graph(text: &str) {
    let Ok(graph) = crate::tir::parse::parse(text) else {
        return;
    };
    let sound = verify(&graph).is_ok();
    let printed = graph.to_string();
    if sound {
        let again = crate::tir::parse::parse(&printed).expect("a sound graph reads back");
        assert_eq!(again.to_string(), printed);
    }
}

/// Most operations, and most elements of all tensors, of a graph that [`run_graph`] runs.
const MOST_WORK: usize = 200_000;

/// A sound graph, if it is a small one, through gradients, the passes and native code, whose results must have the bits of the reference
/// interpreter's. Passes that promise the bits must keep them; the others only have to leave the graph sound.
///
/// # Panics
/// Where a pass breaks the graph or a promise, or native code gives other bits.
pub fn run_graph(text: &str) {
    let Ok(graph) = crate::tir::parse::parse(text) else {
        return;
    };
    if verify(&graph).is_err() || !is_small(&graph) {
        return;
    }
    let Ok(graph) = expand(&graph) else { return };
    let mut stages = Vec::new();
    let optimised = optimise(&graph, &[], &mut |_, after| stages.push(after.clone()));
    let optimised = optimised.unwrap_or_else(|why| panic!("{why}"));
    if !is_small(&graph) || !stages.iter().all(is_small) {
        return;
    }
    let mut rng = Rng::new(1);
    let inputs = graph.inputs.iter();
    let inputs: Vec<Tensor> = inputs.map(|x| rng.tensor(&x.ty, -1.0, 2.0)).collect();
    // Gathers may have no good positions at all.
    let Ok(first) = run(&graph, &inputs, Precision::AsTyped) else {
        return;
    };
    // The first three passes promise the bits.
    let exact = run(&stages[2], &inputs, Precision::AsTyped).expect("as before");
    same_bits(&first, &exact, &graph);
    let expected = run(&optimised, &inputs, Precision::AsTyped).expect("as before");
    for threads in [1, 3] {
        let found = run_compiled(&optimised, &inputs, threads);
        let found = found.unwrap_or_else(|why| panic!("{why}\n{optimised}"));
        same_bits(&expected, &found, &optimised);
    }
}

fn is_small(graph: &Graph) -> bool {
    let elements = graph.nodes().flat_map(|(_, data)| &data.results);
    let elements: usize = elements.map(|&value| graph.ty(value).len()).sum();
    elements <= MOST_WORK && work(graph) <= MOST_WORK as f64
}

fn same_bits(expected: &[Tensor], found: &[Tensor], graph: &Graph) {
    assert_eq!(expected.len(), found.len());
    for (a, b) in expected.iter().zip(found) {
        assert_eq!(a.ty(), b.ty());
        assert_eq!(first_difference(a, b), None, "{graph}");
    }
}

/// A text with some of its tokens deleted, doubled, exchanged, or taken from another place.
pub fn with_other_tokens(text: &str, rng: &mut Rng) -> String {
    let stream = tokens(text, FileId(0)).stream;
    let mut pieces: Vec<&str> = stream
        .iter()
        .filter_map(|&(start, _, end)| text.get(start..end))
        .collect();
    for _ in 0..1 + rng.below(3) {
        if pieces.len() < 2 {
            break;
        }
        let (a, b) = (rng.below(pieces.len()), rng.below(pieces.len()));
        match rng.below(4) {
            0 => drop(pieces.remove(a)),
            1 => pieces.insert(a, pieces[a]),
            2 => pieces.swap(a, b),
            _ => pieces[a] = pieces[b],
        }
    }
    pieces.join(" ")
}

/// Bytes with some flipped, deleted, doubled or cut off.
pub fn with_other_bytes(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + rng.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.below(bytes.len());
        match rng.below(6) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, bytes[at]),
            2 => bytes.truncate(at),
            3 => bytes[at] = rng.pick(&[0, 0xff, 0x7f, 0x80, b'9', b'-']),
            _ => bytes[at] ^= 1 << rng.below(8),
        }
    }
    bytes
}
