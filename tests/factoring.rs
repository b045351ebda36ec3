//! Random sums of products, with gathers, masks, shared factors and domains: the passes keep their meaning and that of their gradients.
use dlmc::base::tensor::Tensor;
use dlmc::base::types::DType;
use dlmc::testing::{Rng, check_gradient, check_passes};
use dlmc::tir::Graph;
use dlmc::tir::parse::parse;
use dlmc::tir::verify::verify;

/// What a body may read: matrices and vectors over the indices 0 (4 values), 1 (5 values) and 2 (6 values, summed), and gathered rows.
const LEAVES: &[&str] = &[
    "v0[i0, i2]",
    "v1[i2, i1]",
    "v2[i2]",
    "v3[i1]",
    "v4[i2, i1]",
    "v0[v5[i0], i2]",
    "v0[i0, v6[i2]]",
    "v1[v6[i2], i1]",
    "v0[i0, i2 - 1]{i2 - 1 >= 0 else 0.0}",
];

/// A random expression that is linear in products, as sums of products of the leaves.
fn expression(rng: &mut Rng, depth: usize) -> String {
    if depth == 0 {
        return rng.pick(LEAVES).to_string();
    }
    let choice = rng.below(12);
    let mut next = || expression(rng, depth - 1);
    match choice {
        0..=4 => format!("(mul {} {})", next(), next()),
        5 | 6 => format!("(add {} {})", next(), next()),
        7 => format!("(sub {} {})", next(), next()),
        8 => format!("(neg {})", next()),
        9 => format!("(div {} (exp v3[i1]))", next()),
        10 => format!("(select (le v3[i1] 0.0) 0.0 {})", next()),
        _ => format!("(select (le i2 i0) {} 0.0)", next()),
    }
}

fn text(rng: &mut Rng) -> String {
    let depth = 1 + rng.below(4);
    let body = expression(rng, depth);
    let domain = rng.pick(&["", "", " where i0 - i2 + 2 >= 0", " where i1 - 1 >= 0"]);
    format!(
        "v0: f32[4, 6] = input 0 \"x\"
v1: f32[6, 5] = input 1 \"w\"
v2: f32[6] = input 2 \"m\"
v3: f32[5] = input 3 \"s\"
v4: f32[6, 5] = input 4 \"u\"
v5: i32[4] = [i0 < 4] (mod (mul i0 3) 4)
v6: i32[6] = [i0 < 6] (floordiv i0 2)
v7: f32[4, 5] = [i0 < 4, i1 < 5] sum[i2 < 6] {body}{domain}
v8: f32[] = [] sum[i0 < 4, i1 < 5] (mul v7[i0, i1] (sin v7[i0, i1]))
return v8
"
    )
}

fn inputs(graph: &Graph, rng: &mut Rng) -> Vec<Tensor> {
    let types = graph.inputs.iter().map(|input| &input.ty);
    types
        .inspect(|ty| assert_eq!(ty.dtype, DType::F32))
        .map(|ty| rng.tensor(ty, -1.0, 1.0))
        .collect()
}

#[test]
fn sums_of_products_keep_their_meaning() {
    let count = std::env::var("DLMC_RANDOM_GRAPHS");
    let count = count.ok().and_then(|count| count.parse().ok());
    let mut faults = Vec::new();
    for seed in 0..count.unwrap_or(400) {
        let mut rng = Rng::new(seed);
        let text = text(&mut rng);
        let graph = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        verify(&graph).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let inputs = inputs(&graph, &mut rng);
        let checked =
            check_passes(&graph, &inputs).and_then(|()| check_gradient(&graph, &inputs, &mut rng));
        if let Err(why) = checked {
            faults.push(format!("seed {seed}: {why}"));
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults[0]);
}

/// A product of three to five matrices, multiplied in a random order, some results transposed, summed at the end.
fn chain(rng: &mut Rng) -> String {
    let count = 3 + rng.below(3);
    let sizes: Vec<usize> = (0..=count).map(|_| 1 + rng.below(7)).collect();
    let mut lines = Vec::new();
    // Each with its number, whether it is stored transposed, its rows and columns.
    let mut operands = Vec::new();
    for at in 0..count {
        let (rows, columns, turned) = (sizes[at], sizes[at + 1], rng.below(2) == 1);
        let (first, second) = if turned {
            (columns, rows)
        } else {
            (rows, columns)
        };
        lines.push(format!(
            "v{at}: f32[{first}, {second}] = input {at} \"m{at}\""
        ));
        operands.push((at, turned, rows, columns));
    }
    let mut next = count;
    while operands.len() > 1 {
        let at = rng.below(operands.len() - 1);
        let ((a, a_turned, rows, inner), (b, b_turned, _, columns)) =
            (operands[at], operands.remove(at + 1));
        let turned = rng.below(3) == 0;
        let (row, column) = if turned { ("i1", "i0") } else { ("i0", "i1") };
        let (first, second) = if turned {
            (columns, rows)
        } else {
            (rows, columns)
        };
        let read = |number, turned, x, y| {
            let (x, y) = if turned { (y, x) } else { (x, y) };
            format!("v{number}[{x}, {y}]")
        };
        lines.push(format!(
            "v{next}: f32[{first}, {second}] = [i0 < {first}, i1 < {second}] sum[i2 < {inner}] (mul {} {})",
            read(a, a_turned, row, "i2"),
            read(b, b_turned, "i2", column)
        ));
        operands[at] = (next, turned, rows, columns);
        next += 1;
    }
    let (last, turned, rows, columns) = operands[0];
    let (first, second) = if turned {
        (columns, rows)
    } else {
        (rows, columns)
    };
    lines.push(format!(
        "v{next}: f32[] = [] sum[i0 < {first}, i1 < {second}] (mul v{last}[i0, i1] (sin v{last}[i0, i1]))\nreturn v{next}\n"
    ));
    lines.join("\n")
}

#[test]
fn chains_of_products_keep_their_meaning() {
    let mut shorter = 0;
    for seed in 0..100 {
        let mut rng = Rng::new(seed);
        let text = chain(&mut rng);
        let graph = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        verify(&graph).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let inputs = inputs(&graph, &mut rng);
        let checked =
            check_passes(&graph, &inputs).and_then(|()| check_gradient(&graph, &inputs, &mut rng));
        checked.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        shorter += usize::from(dlmc::pass::chain::chain(&graph) != graph);
    }
    assert!(shorter > 20, "{shorter}");
}
