//! Updates that take their gradient from the product block by block, and products that take their terms from kernels so: the interpreter's
//! bits, for all layouts, optimisers and threads.
use dlmc::base::tensor::Tensor;
use dlmc::interp::{Precision, run};
use dlmc::kir::schedule::{Schedule, Step};
use dlmc::lower::{Small, lower};
use dlmc::testing::Rng;
use dlmc::testing::differential::{first_difference, run_updating};
use dlmc::tir::Graph;
use dlmc::tir::parse::parse;

/// The gradient of a weight of `m` rows and `n` columns by `k` examples, whose factors stand in any order, and some updates by it.
fn text(rng: &mut Rng, (m, n, k): (usize, usize, usize), update: &str) -> String {
    let first = rng.pick(&["v0[i2, i0]", "v0[i0, i2]"]);
    let second = rng.pick(&["v1[i2, i1]", "v1[i1, i2]"]);
    let shape = |read: &str, size| {
        if read.contains("[i2") {
            format!("{k}, {size}")
        } else {
            format!("{size}, {k}")
        }
    };
    let (a, b) = (shape(first, m), shape(second, n));
    let product = match rng.below(2) {
        0 => format!("(mul {first} {second})"),
        _ => format!("(mul {second} {first})"),
    };
    format!(
        "v0: f32[{a}] = input 0 \"x\"
v1: f32[{b}] = input 1 \"d\"
v2: f32[{m}, {n}] = input 2 \"w\"
v3: f32[{m}, {n}] = input 3 \"v\"
v4: f32[{m}, {n}] = [i0 < {m}, i1 < {n}] sum[i2 < {k}] {product}
{}",
        update.replace("SHAPE", &format!("f32[{m}, {n}] = [i0 < {m}, i1 < {n}]"))
    )
}

const SGD: &str = "v5: SHAPE (sub v2[i0, i1] (mul 0.1 v4[i0, i1]))
return v5
";

const MOMENTUM: &str = "v5: SHAPE (add (mul 0.9 v3[i0, i1]) v4[i0, i1])
v6: SHAPE (sub v2[i0, i1] (mul 0.1 (add (mul 0.9 v3[i0, i1]) v4[i0, i1])))
return v6, v5
";

/// The other factor of the weight's product is read after its gradient, so that the update must wait.
const LATE: &str = "v5: SHAPE (add (mul 0.9 v3[i0, i1]) v4[i0, i1])
v6: SHAPE (sub v2[i0, i1] (mul 0.1 v4[i0, i1]))
v7: f32[] = [] sum[i0 < 2, i1 < 2] (mul v2[i0, i1] v3[i0, i1])
return v6, v5, v7
";

fn graph(text: &str) -> Graph {
    parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn aliases(graph: &Graph) -> Vec<Option<u32>> {
    let slots = [Some(2), Some(3), None];
    slots[..graph.outputs.len()].to_vec()
}

fn finishes(schedule: &Schedule) -> usize {
    let finish = |step: &&Step| {
        matches!(
            step,
            Step::Product {
                finish: Some(_),
                ..
            }
        )
    };
    schedule.steps.iter().filter(finish).count()
}

/// Products whose terms a group of kernels makes.
fn terms(schedule: &Schedule) -> usize {
    let terms = |step: &&Step| matches!(step, Step::Product { terms: Some(_), .. });
    schedule.steps.iter().filter(terms).count()
}

/// Runs a graph on one thread and on three; whether its gradient goes into the update.
fn check(text: &str, rng: &mut Rng) -> bool {
    let graph = graph(text);
    let aliases = aliases(&graph);
    let schedule = checked(&graph, &aliases, text, rng);
    finishes(&schedule) == 1
}

/// Compares a graph's runs on one thread and on three with the interpreter's; its schedule.
fn checked(graph: &Graph, aliases: &[Option<u32>], text: &str, rng: &mut Rng) -> Schedule {
    let types = graph.inputs.iter().map(|input| &input.ty);
    let inputs: Vec<Tensor> = types.map(|ty| rng.tensor(ty, -1.0, 1.0)).collect();
    let expected = run(graph, &inputs, Precision::AsTyped).unwrap();
    for threads in [1, 3] {
        let found = run_updating(graph, aliases, &inputs, threads).unwrap();
        for (number, (a, b)) in expected.iter().zip(&found).enumerate() {
            let differs = first_difference(a, b);
            assert!(
                differs.is_none(),
                "output {number} on {threads} threads: {differs:?}\n{text}"
            );
        }
    }
    lower(graph, aliases, Small::default()).unwrap()
}

#[test]
fn updates_take_the_gradient_as_it_is_made() {
    let mut rng = Rng::new(1);
    for update in [SGD, MOMENTUM, LATE] {
        for sizes in [
            (5, 9, 120),
            (33, 7, 30),
            (7, 65, 30),
            (64, 48, 40),
            // Sums of several pieces, and lanes of several blocks.
            (6, 5, 9000),
            (3, 2100, 130),
        ] {
            for _ in 0..4 {
                let text = text(&mut rng, sizes, update);
                assert!(check(&text, &mut rng), "{text}");
            }
        }
    }
}

/// A step of a linear model of `d` features on `k` rows: terms of its gradient are made row by row, with a sum for the loss between.
fn linear(k: usize, d: usize, lanes: &str, loss: &str) -> String {
    format!(
        "v0: f32[{k}, {d}] = input 0 \"x\"
v1: f32[{k}] = input 1 \"y\"
v2: f32[{d}] = input 2 \"w\"
v3: f32[{k}] = [i0 < {k}] sum{lanes}[i1 < {d}] (mul v0[i0, i1] v2[i1])
v4: f32[{k}] = [i0 < {k}] (sub ({loss} v3[i0]) v1[i0])
v5: f32[] = [] sum[i0 < {k}] (mul v4[i0] v4[i0])
v6: f32[{k}] = [i0 < {k}] (mul 2.0 v4[i0])
v7: f32[{d}] = [i0 < {d}] sum[i1 < {k}] (mul v0[i1, i0] v6[i1])
v8: f32[{d}] = [i0 < {d}] (sub v2[i0] (mul 0.01 v7[i0]))
return v8, v5
"
    )
}

#[test]
fn terms_of_a_gradient_are_made_as_the_sum_takes_them() {
    let mut rng = Rng::new(3);
    // Sums of one block, of several blocks, of several pieces; the last one is large enough in any build.
    for (k, d) in [(300, 20), (1300, 17), (9000, 33), (2700, 100)] {
        for (lanes, loss) in [("", "neg"), (" lanes", "sigmoid")] {
            let text = linear(k, d, lanes, loss);
            let graph = graph(&text);
            let schedule = checked(&graph, &[Some(2), None], &text, &mut rng);
            let worth = cfg!(debug_assertions) || k * d >= 1 << 18;
            assert_eq!(terms(&schedule), usize::from(worth), "{schedule}");
        }
    }
}

/// What else needs the terms before the sum, or reads them across rows, keeps them apart.
#[test]
fn terms_that_another_sum_makes_are_whole_before() {
    let text = linear(2700, 100, "", "neg").replace("(mul 2.0 v4[i0])", "(mul v5[] v4[i0])");
    let graph = graph(&text);
    let schedule = checked(&graph, &[Some(2), None], &text, &mut Rng::new(4));
    assert_eq!(terms(&schedule), 0, "{schedule}");
}

/// A step whose update waits for the loss, which the terms make: what is put together elsewhere in the graph stays so.
#[test]
fn an_update_that_waits_for_a_sum_of_the_terms_leaves_other_updates_alone() {
    let (k, d) = (2700, 100);
    let text = format!(
        "v0: f32[{k}, {d}] = input 0 \"x\"
v1: f32[{k}] = input 1 \"y\"
v2: f32[{d}] = input 2 \"w\"
v3: f32[40, 64] = input 3 \"a\"
v4: f32[40, 48] = input 4 \"b\"
v5: f32[64, 48] = input 5 \"u\"
v6: f32[64, 48] = [i0 < 64, i1 < 48] sum[i2 < 40] (mul v3[i2, i0] v4[i2, i1])
v7: f32[{k}] = [i0 < {k}] sum[i1 < {d}] (mul v0[i0, i1] v2[i1])
v8: f32[{k}] = [i0 < {k}] (sub v7[i0] v1[i0])
v9: f32[] = [] sum[i0 < {k}] (mul v8[i0] v8[i0])
v10: f32[{d}] = [i0 < {d}] sum[i1 < {k}] (mul v0[i1, i0] v8[i1])
v11: f32[{d}] = [i0 < {d}] (sub v2[i0] (mul v9[] v10[i0]))
v12: f32[64, 48] = [i0 < 64, i1 < 48] (sub v5[i0, i1] (mul 0.1 v6[i0, i1]))
return v11, v9, v12
"
    );
    let graph = graph(&text);
    let aliases = [Some(2), None, Some(5)];
    let schedule = checked(&graph, &aliases, &text, &mut Rng::new(5));
    assert_eq!(finishes(&schedule), 1, "{schedule}");
}

#[test]
fn random_updates_have_the_interpreters_bits() {
    let mut rng = Rng::new(2);
    for _ in 0..40 {
        let sizes = (1 + rng.below(40), 1 + rng.below(40), 1 + rng.below(60));
        let update = rng.pick(&[SGD, MOMENTUM]);
        let text = text(&mut rng, sizes, update);
        check(&text, &mut rng);
    }
}

/// A gradient that something else needs is stored.
#[test]
fn a_gradient_with_another_reader_is_stored() {
    for update in [
        // The gradient itself is wanted.
        "v5: SHAPE (sub v2[i0, i1] (mul 0.1 v4[i0, i1]))\nreturn v5, v4\n",
        // Its norm.
        "v5: f32[] = [] sum[i0 < 12, i1 < 12] (mul v4[i0, i1] v4[i0, i1])\nv6: SHAPE (sub v2[i0, i1] (mul v5[] v4[i0, i1]))\nreturn v6\n",
        // It is read the other way round.
        "v5: SHAPE (sub v2[i0, i1] (mul 0.1 v4[i1, i0]))\nreturn v5\n",
        // The weight is read where it has been changed already.
        "v5: SHAPE (sub v2[i0, i1] (mul v2[i1, i0] v4[i0, i1]))\nreturn v5\n",
    ] {
        let mut rng = Rng::new(3);
        let text = text(&mut rng, (12, 12, 30), update);
        let wanted = text.contains("return v5, v4");
        let graph = graph(&text);
        let aliases = if wanted {
            vec![Some(2), None]
        } else {
            vec![Some(2)]
        };
        let types = graph.inputs.iter().map(|input| &input.ty);
        let inputs: Vec<Tensor> = types.map(|ty| rng.tensor(ty, -1.0, 1.0)).collect();
        let expected = run(&graph, &inputs, Precision::AsTyped).unwrap();
        let found = run_updating(&graph, &aliases, &inputs, 1).unwrap();
        for (a, b) in expected.iter().zip(&found) {
            assert!(first_difference(a, b).is_none(), "{text}");
        }
        assert_eq!(
            finishes(&lower(&graph, &aliases, Small::default()).unwrap()),
            0,
            "{text}"
        );
    }
}
