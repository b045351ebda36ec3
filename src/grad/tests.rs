use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::base::types::{DType, Type};
use crate::ops::table::ROWS;
use crate::testing::{Rng, check_both_orders, check_gradient, comprehension, weighted_sum};
use crate::tir::{
    Affine, Body, Condition, Graph, Guard, Inst, Literal, Node, Op, Read, Reducer, Scan, Scatter,
    Subscript, Value,
};

const SUM: Option<Reducer> = Some(Reducer::Sum);

fn f32(shape: &[usize]) -> Type {
    Type::new(DType::F32, shape)
}

fn at(constant: i64, terms: &[(usize, i64)]) -> Affine {
    Affine::new(constant, terms.iter().copied())
}

fn read(value: Value, subscripts: &[Affine]) -> Read {
    Read::affine(value, DType::F32, subscripts.iter().cloned())
}

/// The read by indices of these numbers.
fn plain(value: Value, indices: &[usize]) -> Read {
    Read::affine(value, DType::F32, indices.iter().map(|&i| Affine::index(i)))
}

/// The read guarded by its own bounds.
fn padded(graph: &Graph, mut read: Read, fill: f64) -> Read {
    let shape = graph.ty(read.value).shape.clone();
    for (subscript, size) in read.subscripts.iter().zip(shape) {
        if let Subscript::Affine(affine) = subscript {
            read.guard = read.guard.and(&Guard::within(affine, size));
        }
    }
    read.fill.value = fill;
    read
}

/// Builds a graph on float inputs of these shapes, makes a scalar of its value, and checks gradients of both orders.
fn check(shapes: &[&[usize]], build: impl FnOnce(&mut Graph, &[Value]) -> Value) {
    check_in(shapes, (-1.5, 1.5), Vec::new(), build);
}

fn check_in(
    shapes: &[&[usize]],
    range: (f64, f64),
    whole: Vec<(Type, f64)>,
    build: impl FnOnce(&mut Graph, &[Value]) -> Value,
) {
    let mut rng = Rng::new(7);
    let mut graph = Graph::new();
    let mut inputs: Vec<Tensor> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    for (number, shape) in shapes.iter().enumerate() {
        values.push(graph.input(format!("x{number}"), f32(shape)));
        inputs.push(rng.tensor(&f32(shape), range.0, range.1));
    }
    for (number, (ty, bound)) in whole.into_iter().enumerate() {
        inputs.push(rng.tensor(&ty, 0.0, bound));
        values.push(graph.input(format!("k{number}"), ty));
    }
    let value = build(&mut graph, &values);
    // A square makes the second gradient speak of the value too.
    let shape = graph.ty(value).shape.clone();
    let square = graph.elementwise(Op::Mul, &[value, value], &shape, Span::default());
    let squares = weighted_sum(&mut graph, &mut rng, square);
    let sum = weighted_sum(&mut graph, &mut rng, value);
    let total = graph.elementwise(Op::Add, &[sum, squares], &[], Span::default());
    graph.outputs = vec![total];
    if let Err(why) = check_both_orders(&graph, &inputs, &mut rng) {
        panic!("{why}");
    }
}

#[test]
fn every_operator_over_its_sample_range() {
    for row in ROWS.iter().filter(|row| row.gradient.is_some()) {
        let mut rng = Rng::new(row.op as u64);
        let mut graph = Graph::new();
        let mut inputs = Vec::new();
        let mut values = Vec::new();
        for &(low, high) in row.sample {
            let ty = match row.op {
                Op::Select if values.is_empty() => Type::new(DType::Bool, [6]),
                Op::ToF32 => Type::new(DType::F64, [6]),
                _ => f32(&[6]),
            };
            inputs.push(rng.tensor(&ty, low, high));
            values.push(graph.input("a", ty));
        }
        let value = graph.elementwise(row.op, &values, &[6], Span::default());
        let back = if graph.ty(value).dtype == DType::F64 {
            graph.elementwise(Op::ToF32, &[value], &[6], Span::default())
        } else {
            value
        };
        let square = graph.elementwise(Op::Mul, &[back, back], &[6], Span::default());
        let total = weighted_sum(&mut graph, &mut rng, square);
        graph.outputs = vec![total];
        if let Err(why) = check_both_orders(&graph, &inputs, &mut rng) {
            panic!("{}: {why}", row.op.name());
        }
    }
}

#[test]
fn matmul_in_every_transposition() {
    for (a, b) in [(false, false), (true, false), (false, true), (true, true)] {
        let left: &[usize] = if a { &[4, 3] } else { &[3, 4] };
        let right: &[usize] = if b { &[5, 4] } else { &[4, 5] };
        check(&[left, right], |g, v| {
            let first = if a { [2, 0] } else { [0, 2] };
            let second = if b { [1, 2] } else { [2, 1] };
            let reads = vec![plain(v[0], &first), plain(v[1], &second)];
            comprehension(g, (&[3, 5], &[4], SUM), Guard::always(), reads, |b, r| {
                b.op(Op::Mul, &[r[0], r[1]])
            })
        });
    }
}

fn mul(body: &mut Body, r: &[u32]) -> u32 {
    body.op(Op::Mul, &[r[0], r[1]])
}

#[test]
fn strided_dilated_negative_and_diagonal_accesses() {
    // y[i] = sum[k] x[2i + 3k] w[k]
    check(&[&[13], &[3]], |g, v| {
        let reads = vec![read(v[0], &[at(0, &[(0, 2), (1, 3)])]), plain(v[1], &[1])];
        comprehension(g, (&[4], &[3], SUM), Guard::always(), reads, mul)
    });
    // y[i, j] = x[7 - 2i, j] x[j, j]
    check(&[&[8, 3], &[3, 3]], |g, v| {
        let reads = vec![
            read(v[0], &[at(7, &[(0, -2)]), at(0, &[(1, 1)])]),
            plain(v[1], &[1, 1]),
        ];
        comprehension(g, (&[4, 3], &[], None), Guard::always(), reads, mul)
    });
    // y[i] = sum[j] x[i, i + j] w[3i + 2j]
    check(&[&[3, 6], &[13]], |g, v| {
        let reads = vec![
            read(v[0], &[at(0, &[(0, 1)]), at(0, &[(0, 1), (1, 1)])]),
            read(v[1], &[at(0, &[(0, 3), (1, 2)])]),
        ];
        comprehension(g, (&[3], &[4], SUM), Guard::always(), reads, mul)
    });
    // a constant subscript and a broadcast
    check(&[&[4, 3], &[1, 3]], |g, v| {
        let reads = vec![
            read(v[0], &[at(2, &[]), at(0, &[(1, 1)])]),
            read(v[1], &[at(0, &[]), at(0, &[(1, 1)])]),
        ];
        comprehension(g, (&[5, 3], &[], None), Guard::always(), reads, mul)
    });
}

/// The gradient by `x` would read `w` at `(b i + a j) / (a b)`, and no number of an access is as large as `a b`.
#[test]
fn strides_whose_product_no_number_holds() {
    let (a, b) = ((1 << 40) + 1, (1 << 40) + 15);
    check(&[&[5, 5], &[5]], |g, v| {
        let reads = vec![
            read(v[0], &[at(0, &[(0, a)]), at(0, &[(1, b)])]),
            read(v[1], &[at(0, &[(0, 1), (1, 1)])]),
        ];
        comprehension(g, (&[1, 1], &[], None), Guard::always(), reads, mul)
    });
}

#[test]
fn padding_and_domains() {
    check(&[&[5], &[3]], |g, v| {
        let x = padded(g, read(v[0], &[at(-1, &[(0, 1), (1, 1)])]), 0.0);
        let reads = vec![x, plain(v[1], &[1])];
        comprehension(g, (&[5], &[3], SUM), Guard::always(), reads, mul)
    });
    // A causal sum: only where j <= i.
    check(&[&[4, 4], &[4]], |g, v| {
        let mut domain = Guard::always();
        domain.push(Condition::NonNegative(at(0, &[(0, 1), (1, -1)])));
        let reads = vec![plain(v[0], &[0, 1]), plain(v[1], &[1])];
        comprehension(g, (&[4], &[4], SUM), domain, reads, |b, r| {
            let e = b.op(Op::Exp, &[r[0]]);
            b.op(Op::Mul, &[e, r[1]])
        })
    });
    // Nearest upsampling: y[q] = x[q / 2] where 2 divides q.
    check(&[&[4]], |g, v| {
        let half = Affine::index(0).over(2);
        let mut x = read(v[0], &[half]);
        x.guard.push(Condition::Divisible(Affine::index(0), 2));
        comprehension(g, (&[8], &[], None), Guard::always(), vec![x], |b, r| {
            b.op(Op::Sin, &[r[0]])
        })
    });
}

fn conv(g: &mut Graph, v: &[Value], (stride, dilation, pad): (i64, i64, i64)) -> Value {
    let (x, w) = (g.ty(v[0]).shape.clone(), g.ty(v[1]).shape.clone());
    let size = |axis: usize| {
        let reach = (w[axis] as i64 - 1) * dilation + 1;
        ((x[axis] as i64 + 2 * pad - reach) / stride + 1) as usize
    };
    // n o i j | c k l
    let subscripts = [
        at(0, &[(0, 1)]),
        at(0, &[(4, 1)]),
        at(-pad, &[(2, stride), (5, dilation)]),
        at(-pad, &[(3, stride), (6, dilation)]),
    ];
    let mut image = read(v[0], &subscripts);
    if pad > 0 {
        image = padded(g, image, 0.0);
        let extents = [x[0], w[0], size(2), size(3), w[1], w[2], w[3]];
        image.guard = image.guard.simplified(&extents).unwrap_or_default();
    }
    let reads = vec![image, plain(v[1], &[1, 4, 5, 6])];
    let shape = [x[0], w[0], size(2), size(3)];
    comprehension(g, (&shape, &w[1..], SUM), Guard::always(), reads, mul)
}

#[test]
fn convolution_with_stride_dilation_and_padding() {
    for setting in [
        (1, 1, 0),
        (1, 1, 1),
        (2, 1, 1),
        (1, 2, 2),
        (2, 2, 1),
        (3, 2, 0),
    ] {
        check(&[&[2, 2, 7, 6], &[3, 2, 3, 2]], |g, v| conv(g, v, setting));
    }
}

#[test]
fn a_convolution_gradient_stays_a_contraction() {
    for setting in [(1, 1, 0), (1, 1, 1), (2, 1, 1)] {
        let mut rng = Rng::new(3);
        let mut graph = Graph::new();
        let v = [
            graph.input("x", f32(&[2, 2, 7, 6])),
            graph.input("w", f32(&[3, 2, 3, 2])),
        ];
        let y = conv(&mut graph, &v, setting);
        let total = weighted_sum(&mut graph, &mut rng, y);
        graph.outputs = vec![total];
        let gradient = super::expand(&crate::testing::with_gradient(&graph, &[0, 1])).unwrap();
        let products = gradient
            .nodes()
            .filter(|(_, data)| {
                matches!(&data.node, Node::Comprehension(c) if c.as_product().is_some() && !c.shape.is_empty())
            })
            .count();
        assert_eq!(products, 3, "{gradient}");
    }
}

#[test]
fn overlapping_max_pooling_with_padding() {
    for reducer in [Reducer::Max, Reducer::Min] {
        check(&[&[2, 7, 6]], |g, v| {
            let fill = if reducer == Reducer::Max {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            };
            let subscripts = [
                at(0, &[(0, 1)]),
                at(-1, &[(1, 2), (3, 1)]),
                at(0, &[(2, 1), (4, 1)]),
            ];
            let x = padded(g, read(v[0], &subscripts), fill);
            let shape = [2, 4, 4];
            comprehension(
                g,
                (&shape, &[3, 3], Some(reducer)),
                Guard::always(),
                vec![x],
                |_, r| r[0],
            )
        });
    }
}

#[test]
fn maxima_over_expressions_and_softmax() {
    check(&[&[3, 5]], |g, v| {
        let max = g.reduce(Reducer::Max, v[0], &[1], Span::default());
        let reads = vec![plain(v[0], &[0, 1]), plain(max, &[0])];
        let e = comprehension(g, (&[3, 5], &[], None), Guard::always(), reads, |b, r| {
            let less = b.op(Op::Sub, &[r[0], r[1]]);
            b.op(Op::Exp, &[less])
        });
        let sum = g.reduce(Reducer::Sum, e, &[1], Span::default());
        let reads = vec![plain(e, &[0, 1]), plain(sum, &[0])];
        comprehension(g, (&[3, 5], &[], None), Guard::always(), reads, |b, r| {
            b.op(Op::Div, &[r[0], r[1]])
        })
    });
}

#[test]
fn products_also_with_zeros() {
    check(&[&[3, 4]], |g, v| {
        g.reduce(Reducer::Prod, v[0], &[1], Span::default())
    });
    let mut rng = Rng::new(5);
    let mut graph = Graph::new();
    let x = graph.input("x", f32(&[3, 2, 2]));
    let product = graph.reduce(Reducer::Prod, x, &[1, 2], Span::default());
    let total = weighted_sum(&mut graph, &mut rng, product);
    graph.outputs = vec![total];
    let elements = vec![0.0, 2.0, 3.0, 0.5, 0.0, 0.0, 3.0, 2.0, 1.0, -2.0, 0.3, 4.0];
    let input = Tensor::new([3, 2, 2], crate::base::tensor::Elements::F32(elements)).unwrap();
    check_both_orders(&graph, &[input], &mut rng).unwrap();
}

fn gather(value: Value, subscripts: Vec<Subscript>) -> Read {
    Read {
        value,
        subscripts,
        guard: Guard::always(),
        fill: Literal {
            dtype: DType::F32,
            value: 0.0,
        },
    }
}

fn labels(value: Value, indices: &[usize]) -> Read {
    Read::affine(value, DType::I32, indices.iter().map(|&i| Affine::index(i)))
}

#[test]
fn gathers_scatter_and_picks_compare() {
    let i = |index: usize| Subscript::Affine(Affine::index(index));
    // Rows of a table.
    let ids = vec![(Type::new(DType::I32, [6]), 4.0)];
    check_in(&[&[4, 3]], (-1.0, 1.0), ids, |g, v| {
        let reads = vec![
            labels(v[1], &[0]),
            gather(v[0], vec![Subscript::Gather(0), i(1)]),
        ];
        comprehension(g, (&[6, 3], &[], None), Guard::always(), reads, |b, r| {
            b.op(Op::Tanh, &[r[1]])
        })
    });
    // Bags: the sum of several rows, with a weight.
    let ids = vec![(Type::new(DType::I32, [5, 3]), 4.0)];
    check_in(&[&[4, 2], &[3]], (-1.0, 1.0), ids, |g, v| {
        let reads = vec![
            labels(v[2], &[0, 2]),
            gather(v[0], vec![Subscript::Gather(0), i(1)]),
            plain(v[1], &[2]),
        ];
        comprehension(g, (&[5, 2], &[3], SUM), Guard::always(), reads, |b, r| {
            b.op(Op::Mul, &[r[1], r[2]])
        })
    });
    // One class of each row.
    let ids = vec![(Type::new(DType::I32, [5]), 7.0)];
    check_in(&[&[5, 7]], (0.2, 1.0), ids, |g, v| {
        let reads = vec![
            labels(v[1], &[0]),
            gather(v[0], vec![i(0), Subscript::Gather(0)]),
        ];
        comprehension(g, (&[5], &[], None), Guard::always(), reads, |b, r| {
            b.op(Op::Log, &[r[1]])
        })
    });
    // A scatter in the forward graph.
    let ids = vec![(Type::new(DType::I32, [5]), 4.0)];
    check_in(&[&[5, 2]], (-1.0, 1.0), ids, |g, v| {
        let mut body = Body::default();
        let x = body.push(Inst::Read(1));
        body.result = body.op(Op::Mul, &[x, x]);
        let scatter = Scatter {
            shape: vec![4, 2],
            extents: vec![5, 2],
            domain: Guard::always(),
            reads: vec![labels(v[1], &[0]), plain(v[0], &[0, 1])],
            body,
            target: vec![Subscript::Gather(0), i(1)],
            dtype: DType::F32,
        };
        g.add(Node::Scatter(scatter), vec![f32(&[4, 2])], Span::default())[0]
    });
}

#[test]
fn concat_reshape_and_broadcast() {
    check(&[&[2, 3], &[2, 4], &[2, 1]], |g, v| {
        let joined = g.add(
            Node::Concat(vec![v[0], v[1], v[0]], 1),
            vec![f32(&[2, 10])],
            Span::default(),
        )[0];
        let flat = g.add(Node::Reshape(joined), vec![f32(&[4, 5])], Span::default())[0];
        let back = g.add(Node::Reshape(flat), vec![f32(&[2, 10])], Span::default())[0];
        g.elementwise(Op::Mul, &[back, v[2]], &[2, 10], Span::default())
    });
}

#[test]
fn a_stopped_gradient_is_none() {
    let mut graph = Graph::new();
    let x = graph.input("x", f32(&[]));
    let y = graph.elementwise(Op::Exp, &[x], &[], Span::default());
    let stopped = graph.add(Node::StopGradient(y), vec![f32(&[])], Span::default())[0];
    let z = graph.elementwise(Op::Mul, &[x, stopped], &[], Span::default());
    graph.outputs = vec![z];
    let gradient = super::expand(&crate::testing::with_gradient(&graph, &[0])).unwrap();
    let results = crate::interp::run(
        &gradient,
        &[Tensor::scalar(1.0)],
        crate::interp::Precision::F64,
    )
    .unwrap();
    assert!((results[1].get(0).unwrap() - 1f64.exp()).abs() < 1e-12);
    assert!(
        !gradient
            .nodes()
            .any(|(_, data)| matches!(data.node, Node::StopGradient(_)))
    );
}

#[test]
fn the_gradient_with_respect_to_what_does_not_matter_is_zero() {
    let mut graph = Graph::new();
    let x = graph.input("x", f32(&[]));
    graph.input("y", f32(&[2]));
    let z = graph.elementwise(Op::Exp, &[x], &[], Span::default());
    graph.outputs = vec![z];
    let y = crate::testing::Rng::new(1).tensor(&f32(&[2]), 0.0, 1.0);
    check_gradient(&graph, &[Tensor::scalar(1.0), y], &mut Rng::new(1)).unwrap();
}

/// The body of `z = x_t W + h U + s; h' = tanh(z) * s'; s' = s + h'` over rows `[n]`.
fn cell(n: usize, d: usize, h: usize) -> Graph {
    let mut g = Graph::new();
    let turn = g.input("t", Type::scalar(DType::I32));
    let state = g.input("h", f32(&[n, h]));
    let sum = g.input("s", f32(&[n, h]));
    let x = g.input("x", f32(&[n, d]));
    let w = g.input("w", f32(&[d, h]));
    let u = g.input("u", f32(&[h, h]));
    let b = g.input("b", f32(&[h]));
    let matmul = |g: &mut Graph, a: Value, b: Value, k: usize| {
        let reads = vec![plain(a, &[0, 2]), plain(b, &[2, 1])];
        comprehension(g, (&[n, h], &[k], SUM), Guard::always(), reads, mul)
    };
    let first = matmul(&mut g, x, w, d);
    let second = matmul(&mut g, state, u, h);
    let reads = vec![
        plain(first, &[0, 1]),
        plain(second, &[0, 1]),
        plain(b, &[1]),
        Read::affine(turn, DType::I32, []),
    ];
    let new = comprehension(
        &mut g,
        (&[n, h], &[], None),
        Guard::always(),
        reads,
        |b, r| {
            let z = b.op(Op::Add, &[r[0], r[1]]);
            let turn = b.op(Op::ToF32, &[r[3]]);
            let bias = b.op(Op::Mul, &[r[2], turn]);
            let z = b.op(Op::Add, &[z, bias]);
            b.op(Op::Tanh, &[z])
        },
    );
    let reads = vec![plain(sum, &[0, 1]), plain(new, &[0, 1])];
    let total = comprehension(
        &mut g,
        (&[n, h], &[], None),
        Guard::always(),
        reads,
        |b, r| {
            let product = b.op(Op::Mul, &[r[0], r[1]]);
            let half = b.constant(DType::F32, 0.5);
            let product = b.op(Op::Mul, &[product, half]);
            b.op(Op::Add, &[product, r[1]])
        },
    );
    g.outputs = vec![new, total, new];
    g
}

fn scanned(g: &mut Graph, v: &[Value], reverse: bool) -> Value {
    let (n, t, d, h) = (2, 3, 2, 3);
    let scan = Scan {
        length: t,
        reverse,
        states: vec![v[0], v[1]],
        sequences: vec![(v[2], 1)],
        captured: vec![v[3], v[4], v[5]],
        stacks: vec![1],
        body: Box::new(cell(n, d, h)),
    };
    let types = vec![f32(&[n, h]), f32(&[n, h]), f32(&[n, t, h])];
    let results = g.add(Node::Scan(scan), types, Span::default());
    let reads = vec![
        plain(results[0], &[0, 2]),
        plain(results[1], &[0, 2]),
        plain(results[2], &[0, 1, 2]),
    ];
    comprehension(
        g,
        (&[n, t, h], &[], None),
        Guard::always(),
        reads,
        |b, r| {
            let product = b.op(Op::Mul, &[r[0], r[2]]);
            b.op(Op::Add, &[product, r[1]])
        },
    )
}

const CELL: [&[usize]; 6] = [&[2, 3], &[2, 3], &[2, 3, 2], &[2, 3], &[3, 3], &[3]];

#[test]
fn a_scan_of_two_states_forward_and_backward() {
    check(&CELL, |g, v| scanned(g, v, false));
    check(&CELL, |g, v| scanned(g, v, true));
}

#[test]
fn the_weights_gradient_leaves_the_loop_as_one_product() {
    let mut rng = Rng::new(1);
    let mut graph = Graph::new();
    let v: Vec<Value> = CELL
        .iter()
        .map(|shape| graph.input("x", f32(shape)))
        .collect();
    let y = scanned(&mut graph, &v, false);
    let total = weighted_sum(&mut graph, &mut rng, y);
    graph.outputs = vec![total];
    let gradient = super::expand(&crate::testing::with_gradient(&graph, &[3, 4])).unwrap();
    let outside = |reduce: &[usize]| {
        gradient
            .nodes()
            .filter(|(_, data)| {
                matches!(&data.node, Node::Comprehension(c) if c.as_product().is_some() && c.reduce == reduce)
            })
            .count()
    };
    assert_eq!(outside(&[3, 2]), 2, "{gradient}");
    for (_, data) in gradient.nodes() {
        if let Node::Scan(scan) = &data.node {
            assert_eq!(scan.states.len(), 2, "no sum in a state: {gradient}");
            assert!(
                !scan.reverse || scan.stacks.len() == 1,
                "dz is stacked once: {gradient}"
            );
        }
    }
}

#[test]
fn a_tie_of_two_shares_its_gradient() {
    for op in [Op::Max, Op::Min] {
        let mut graph = Graph::new();
        let (x, y) = (graph.input("x", f32(&[])), graph.input("y", f32(&[])));
        let z = graph.elementwise(op, &[x, y], &[], Span::default());
        graph.outputs = vec![z];
        let gradient = super::expand(&crate::testing::with_gradient(&graph, &[0, 1])).unwrap();
        let inputs = [Tensor::scalar(2.0), Tensor::scalar(2.0)];
        let results =
            crate::interp::run(&gradient, &inputs, crate::interp::Precision::AsTyped).unwrap();
        assert_eq!(
            (results[1].get(0), results[2].get(0)),
            (Some(0.5), Some(0.5))
        );
    }
}

#[test]
fn powers_have_finite_gradients_at_base_and_exponent_zero() {
    for (base, exponent, slopes) in [
        (0.0, 0.0, (0.0, 0.0)),
        (0.0, 2.0, (0.0, 0.0)),
        (3.0, 0.0, (0.0, 3f64.ln())),
    ] {
        let mut graph = Graph::new();
        let (x, y) = (graph.input("x", f32(&[])), graph.input("y", f32(&[])));
        let z = graph.elementwise(Op::Pow, &[x, y], &[], Span::default());
        graph.outputs = vec![z];
        let gradient = super::expand(&crate::testing::with_gradient(&graph, &[0, 1])).unwrap();
        let inputs = [Tensor::scalar(base), Tensor::scalar(exponent)];
        let results =
            crate::interp::run(&gradient, &inputs, crate::interp::Precision::F64).unwrap();
        let near = |at: usize, slope: f64| (results[at].get(0).unwrap() - slope).abs() < 1e-12;
        assert!(near(1, slopes.0) && near(2, slopes.1), "{results:?}");
    }
}

#[test]
fn nothing_to_walk_and_nothing_to_sum() {
    let mut graph = Graph::new();
    let x = graph.input("x", f32(&[0, 3]));
    let h = graph.input("h", f32(&[3]));
    let mut body = Graph::new();
    body.input("t", Type::scalar(DType::I32));
    let (state, row) = (body.input("h", f32(&[3])), body.input("x", f32(&[3])));
    let next = body.elementwise(Op::Mul, &[state, row], &[3], Span::default());
    body.outputs = vec![next];
    let scan = Scan {
        length: 0,
        reverse: false,
        states: vec![h],
        sequences: vec![(x, 0)],
        captured: vec![],
        stacks: vec![],
        body: Box::new(body),
    };
    let last = graph.add(Node::Scan(scan), vec![f32(&[3])], Span::default())[0];
    let total = graph.reduce(Reducer::Sum, last, &[0], Span::default());
    graph.outputs = vec![total];
    let mut rng = Rng::new(1);
    let inputs = [
        rng.tensor(&f32(&[0, 3]), 0.0, 1.0),
        rng.tensor(&f32(&[3]), 0.0, 1.0),
    ];
    check_both_orders(&graph, &inputs, &mut rng).unwrap();
}

#[test]
fn what_is_no_float_scalar_has_no_gradient() {
    let mut graph = Graph::new();
    let x = graph.input("x", f32(&[2]));
    graph.outputs = vec![x];
    let why = super::expand(&crate::testing::with_gradient(&graph, &[0])).unwrap_err();
    assert!(why.contains("no float scalar"), "{why}");
}
