//! Every pass on every graph, against the reference interpreter. The quick part takes small programs; `DLMC_DEEP=1` all examples, with
//! the texts of the largest made smaller, and many random programs.
#![cfg(feature = "cli")]

mod support;

use dlmc::base::source::Span;
use dlmc::base::types::{DType, Type};
use dlmc::pass::{PIPELINE, Pass};
use dlmc::testing::pass_by_pass::{NATIVE, Outcome, Subject, pass_by_pass};
use dlmc::testing::programs::{points, program};
use dlmc::tir::{Graph, Inst, Node, Op, Reducer};
use support::{Folder, deep};

/// `sum((a + b) * b)` over rows, of two matrices.
fn small() -> Graph {
    let mut graph = Graph::new();
    let ty = Type::new(DType::F32, [5, 7]);
    let (a, b) = (graph.input("a", ty.clone()), graph.input("b", ty.clone()));
    let sum = graph.elementwise(Op::Add, &[a, b], &[5, 7], Span::default());
    let product = graph.elementwise(Op::Mul, &[sum, b], &[5, 7], Span::default());
    let rows = graph.reduce(Reducer::Sum, product, &[1], Span::default());
    graph.outputs = vec![rows];
    graph
}

/// A pass that is wrong: it takes the first sum of a body for a difference.
fn subtract(graph: &Graph) -> Graph {
    let mut wrong = Graph::new();
    for input in &graph.inputs {
        wrong.input(input.name.clone(), input.ty.clone());
    }
    for (_, data) in graph.nodes() {
        let mut node = data.node.clone();
        if matches!(node, Node::Input(_)) {
            continue;
        }
        if let Node::Comprehension(comprehension) = &mut node {
            for inst in &mut comprehension.body.insts {
                if let Inst::Op(op, _) = inst
                    && *op == Op::Add
                {
                    *op = Op::Sub;
                }
            }
        }
        let types = data.results.iter().map(|&value| graph.ty(value).clone());
        wrong.add(node, types.collect(), data.origin);
    }
    wrong.outputs.clone_from(&graph.outputs);
    wrong
}

#[test]
fn a_wrong_pass_is_named() {
    let planted = Pass {
        name: "planted",
        doc: "",
        exact: false,
        run: subtract,
    };
    let graph = small();
    let subject = Subject {
        graph: &graph,
        aliases: &[None],
        positive: &[false, false],
    };
    for at in 0..=PIPELINE.len() {
        let mut passes: Vec<&Pass> = PIPELINE.iter().collect();
        passes.insert(at, &planted);
        let found = pass_by_pass(subject, &passes, 1, 3).expect("it can be evaluated");
        let wrong = found.wrong().expect("it is found");
        assert_eq!(wrong.name, "planted", "at {at}");
        assert_eq!(
            found.passes.len(),
            at + 1,
            "the first that differs is the last"
        );
    }
    let passes: Vec<&Pass> = PIPELINE.iter().collect();
    let found = pass_by_pass(subject, &passes, 3, 3).expect("it can be evaluated");
    assert_eq!(found.wrong(), None);
    let last = found.passes.last().expect("there are passes");
    assert_eq!((last.name, &last.outcome), (NATIVE, &Outcome::SameBits));
    assert_eq!(found.finite, 1.0);
}

/// A pass that promises the bits and moves one is wrong too, however little it moves.
#[test]
fn a_promise_of_bits_is_held() {
    fn order(graph: &Graph) -> Graph {
        let order = PIPELINE.iter().find(|pass| pass.name == "order");
        (order.expect("it is there").run)(graph)
    }
    let planted = |exact| Pass {
        name: "planted",
        doc: "",
        exact,
        run: order,
    };
    let mut graph = Graph::new();
    let a = graph.input("a", Type::new(DType::F32, [3, 999]));
    let rows = graph.reduce(Reducer::Sum, a, &[1], Span::default());
    graph.outputs = vec![rows];
    let subject = Subject {
        graph: &graph,
        aliases: &[None],
        positive: &[false],
    };
    let wrong = |exact| {
        let found = pass_by_pass(subject, &[&planted(exact)], 1, 3).expect("it can be evaluated");
        found.wrong().is_some()
    };
    assert!(wrong(true), "another order of a sum of f32 moves bits");
    assert!(!wrong(false));
}

fn verified(folder: &Folder, arguments: &[&str]) {
    let all = [&["verify-passes"], arguments].concat();
    let (stdout, _) = folder.run(0, &all);
    assert!(stdout.ends_with(" 0 differ\n"), "{arguments:?}: {stdout}");
    assert!(stdout.contains(NATIVE), "{arguments:?}: {stdout}");
}

#[test]
fn the_passes_are_right_on_random_programs() {
    let folder = Folder::new("pass-random");
    folder.write("points.csv", &points());
    for seed in 0..if deep() { 200 } else { 6 } {
        folder.write("random.dlm", &program(seed));
        verified(&folder, &["random.dlm", "--rounds", "1", "--most", "3e6"]);
    }
}

/// Examples with what makes them smaller: a text and what stands for it.
const SMALLER: &[(&str, &[(&str, &str)])] = &[
    (
        "char_lstm",
        &[
            ("windows(64, stride = 16)", "windows(4, stride = 16)"),
            ("book.vocabulary, 96", "book.vocabulary, 8"),
            ("batch     = 16", "batch     = 2"),
            ("0..200", "0..3"),
            ("zeros[1, 64]", "zeros[1, 4]"),
            ("logits[:, 63, :]", "logits[:, 3, :]"),
            ("[:, 0, 63]", "[:, 0, 3]"),
        ],
    ),
    (
        "char_gpt",
        &[
            ("windows(64, stride = 16)", "windows(4, stride = 16)"),
            ("position_embedding(64)", "position_embedding(4)"),
            ("book.vocabulary, 64, 2, 4", "book.vocabulary, 8, 2, 2"),
            ("batch     = 16", "batch     = 2"),
            ("0..200", "0..3"),
            ("zeros[1, 64]", "zeros[1, 4]"),
            ("logits[:, 63, :]", "logits[:, 3, :]"),
            ("[:, 0, 63]", "[:, 0, 3]"),
        ],
    ),
];

fn examples() -> String {
    format!("{}/examples", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_passes_are_right_on_examples() {
    let folder = Folder::new("pass-examples");
    let root = env!("CARGO_MANIFEST_DIR");
    let mut names = vec![
        "iris",
        "linear_regression",
        "gan",
        "own_optimizer",
        "formula_conv",
    ];
    let mut programs = vec!["siamese", "mixture_of_experts", "logistic_by_hand"];
    if deep() {
        names.extend(["autoencoder", "breast_cancer", "digits_mlp", "lenet", "rnn"]);
        programs.extend(["bidirectional_tagger", "reversal"]);
    }
    for name in names {
        let path = format!("{}/{name}.dlm", examples());
        verified(&folder, &[&path, "--rounds", "1", "--most", "1e8"]);
    }
    for name in programs {
        let path = format!("{root}/tests/programs/{name}.dlm");
        verified(&folder, &[&path, "--rounds", "1", "--most", "1e8"]);
    }
}

#[test]
fn the_passes_are_right_on_the_largest_examples_made_smaller() {
    let folder = Folder::new("pass-smaller");
    let book = format!("{}/std/recurrent.dlm", env!("CARGO_MANIFEST_DIR"));
    for (name, changes) in SMALLER {
        let text =
            std::fs::read_to_string(format!("{}/{name}.dlm", examples())).expect("it is there");
        let mut text = text.replace("../std/recurrent.dlm", &book);
        for (from, to) in *changes {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replace(from, to);
        }
        folder.write("smaller.dlm", &text);
        verified(&folder, &["smaller.dlm", "--rounds", "1"]);
    }
}

#[test]
fn a_graph_that_is_too_large_is_said_and_nothing_verified_is_no_success() {
    let folder = Folder::new("pass-large");
    folder.write("a.dlm", "let x = uniform[30, 30]\nprint sum(x @ x)\n");
    let (stdout, _) = folder.run(1, &["verify-passes", "a.dlm", "--most", "1000"]);
    assert!(stdout.contains("left out: "), "{stdout}");
    assert!(
        stdout.ends_with("0 graphs verified, 1 left out, 0 differ\n"),
        "{stdout}"
    );
}
