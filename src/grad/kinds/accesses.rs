//! Accesses of every kind, reducers, and the other nodes.
use super::{affine, agree, check, check_within, i};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::testing::gradients::{Case, formula};
use crate::testing::numbers::Numbers;
use crate::tir::{
    Affine, Body, Comprehension, Condition, Graph, Guard, Inst, Literal, Node, Op, Read, Reducer,
    Scatter, Subscript, Value,
};

fn product(body: &mut Body, reads: &[u32]) -> u32 {
    body.op(Op::Mul, &[reads[0], reads[1]])
}

fn sum(extents: &[usize]) -> (&[usize], Option<Reducer>) {
    (extents, Some(Reducer::Sum))
}

#[test]
fn matmul_in_all_transpositions() {
    for (a_turned, b_turned) in [(false, false), (true, false), (false, true), (true, true)] {
        let (a, b): (&[usize], &[usize]) = (
            if a_turned { &[5, 3] } else { &[3, 5] },
            if b_turned { &[4, 5] } else { &[5, 4] },
        );
        check(&[a, b], |graph, x| {
            let turn = |turned: bool, p: usize, q: usize| {
                if turned {
                    vec![i(q), i(p)]
                } else {
                    vec![i(p), i(q)]
                }
            };
            let reads = vec![(x[0], turn(a_turned, 0, 2)), (x[1], turn(b_turned, 2, 1))];
            vec![formula(graph, &[3, 4], sum(&[5]), reads, product)]
        });
    }
}

/// `y[i < 4] = f(x[access(i)])` with a sine, so that second derivatives are not trivial.
fn check_access(sizes: &[usize], shape: &[usize], access: &[Affine]) {
    check(&[sizes], |graph, x| {
        vec![formula(
            graph,
            shape,
            (&[], None),
            vec![(x[0], access.to_vec())],
            |body, r| body.op(Op::Sin, &[r[0]]),
        )]
    });
}

#[test]
fn strided_dilated_negative_diagonal_and_constant_accesses() {
    check_access(&[9], &[4], &[affine(1, &[(0, 2)])]);
    check_access(&[9], &[9], &[affine(8, &[(0, -1)])]);
    check_access(&[9], &[3], &[affine(8, &[(0, -3)])]);
    check_access(&[4, 4], &[4], &[i(0), i(0)]);
    check_access(
        &[5, 4],
        &[4],
        &[affine(1, &[(0, 1)]), affine(3, &[(0, -1)])],
    );
    check_access(&[8, 4], &[4], &[affine(1, &[(0, 2)]), i(0)]);
    check_access(&[4, 3], &[4], &[i(0), affine(2, &[])]);
    check_access(&[3], &[4, 3, 2], &[i(1)]);
    check_access(&[], &[4], &[]);
    check_access(&[9], &[3, 3], &[affine(0, &[(0, 3), (1, 1)])]);
    check_access(&[9], &[5, 3], &[affine(0, &[(0, 1), (1, 2)])]);
    check_access(&[11], &[3, 3], &[affine(0, &[(0, 2), (1, 3)])]);
    check_access(
        &[9, 6],
        &[3, 3],
        &[affine(0, &[(0, 2), (1, 2)]), affine(0, &[(0, 1), (1, 1)])],
    );
    check_access(&[4, 7], &[4, 3], &[i(0), affine(0, &[(0, 1), (1, 1)])]);
    check_access(&[1], &[1, 2], &[i(0)]);
}

/// A read that gives `fill` outside its operand.
fn guarded(value: Value, sizes: &[usize], subscripts: &[Affine], fill: f64) -> Read {
    let guard = subscripts
        .iter()
        .zip(sizes)
        .fold(Guard::always(), |guard, (subscript, &size)| {
            guard.and(&Guard::within(subscript, size))
        });
    Read {
        guard,
        fill: Literal {
            dtype: DType::F32,
            value: fill,
        },
        ..Read::affine(value, DType::F32, subscripts.iter().cloned())
    }
}

fn comprehension(
    graph: &mut Graph,
    shape: &[usize],
    reduce: (&[usize], Option<Reducer>),
    domain: Guard,
    reads: Vec<Read>,
    code: impl FnOnce(&mut Body, &[u32]) -> u32,
) -> Value {
    let mut body = Body::default();
    let found: Vec<u32> = (0..reads.len() as u32)
        .map(|read| body.push(Inst::Read(read)))
        .collect();
    body.result = code(&mut body, &found);
    let comprehension = Comprehension {
        shape: shape.to_vec(),
        reduce: reduce.0.to_vec(),
        reducer: reduce.1,
        order: Default::default(),
        domain,
        reads,
        body,
        dtype: DType::F32,
    };
    graph.comprehension(comprehension, Span::default())
}

/// Indices n, o, p, q free; c, k, l reduced.
fn conv2d(
    graph: &mut Graph,
    x: &[Value],
    stride: i64,
    dilation: i64,
    pad: i64,
    out: usize,
) -> Value {
    let at = |place: usize, tap: usize| affine(-pad, &[(place, stride), (tap, dilation)]);
    let input = guarded(x[0], &[2, 3, 7, 7], &[i(0), i(4), at(2, 5), at(3, 6)], 0.0);
    let weight = Read::affine(x[1], DType::F32, [i(1), i(4), i(5), i(6)]);
    let shape = [2, 4, out, out];
    comprehension(
        graph,
        &shape,
        sum(&[3, 3, 2]),
        Guard::always(),
        vec![input, weight],
        product,
    )
}

#[test]
fn conv2d_plain_padded_strided_and_dilated() {
    let shapes: [&[usize]; 2] = [&[2, 3, 7, 7], &[4, 3, 3, 2]];
    for (stride, dilation, pad, out) in [
        (1, 1, 0, 5),
        (1, 1, 1, 7),
        (2, 1, 1, 4),
        (1, 2, 1, 5),
        (2, 2, 2, 3),
    ] {
        check(&shapes, |graph, x| {
            vec![conv2d(graph, x, stride, dilation, pad, out)]
        });
    }
}

#[test]
fn gradients_of_contractions_are_contractions() {
    let mut graph = Graph::new();
    let x =
        [[2, 3, 7, 7], [4, 3, 3, 2]].map(|shape| graph.input("x", Type::new(DType::F32, shape)));
    let y = conv2d(&mut graph, &x, 1, 1, 1, 7);
    let loss = graph.reduce(Reducer::Sum, y, &[0, 1, 2, 3], Span::default());
    let types = x.map(|value| graph.ty(value).clone()).to_vec();
    let node = Node::Gradient {
        of: loss,
        with_respect_to: x.to_vec(),
    };
    graph.outputs = graph.add(node, types, Span::default());
    let expanded = crate::grad::expand(&graph).unwrap();
    for &output in &expanded.outputs {
        let Node::Comprehension(c) = &expanded.defining(output).node else {
            panic!("no comprehension");
        };
        assert!(c.as_product().is_some(), "{expanded}");
    }
    let data = expanded.to_string();
    assert!(data.contains("sum[i4 < 4, i5 < 3, i6 < 2]"), "{data}");
}

#[test]
fn pooling_with_and_without_overlap() {
    for reducer in [Reducer::Max, Reducer::Min, Reducer::Sum] {
        for stride in [1, 2, 3] {
            check(&[&[2, 7, 7]], |graph, x| {
                let out = (7 - 3) / stride as usize + 1;
                let at = |place: usize, tap: usize| affine(0, &[(place, stride), (tap, 1)]);
                let reads = vec![(x[0], vec![i(0), at(1, 3), at(2, 4)])];
                let reduce: (&[usize], _) = (&[3, 3], Some(reducer));
                vec![formula(graph, &[2, out, out], reduce, reads, |body, r| {
                    body.op(Op::Sin, &[r[0]])
                })]
            });
        }
    }
}

#[test]
fn a_padded_maximum_reads_minus_infinity_outside() {
    check(&[&[6]], |graph, x| {
        let read = guarded(
            x[0],
            &[6],
            &[affine(-1, &[(0, 2), (1, 1)])],
            f64::NEG_INFINITY,
        );
        let reduce: (&[usize], _) = (&[3], Some(Reducer::Max));
        vec![comprehension(
            graph,
            &[3],
            reduce,
            Guard::always(),
            vec![read],
            |_, r| r[0],
        )]
    });
}

#[test]
fn the_gradient_of_a_maximum_goes_to_the_first() {
    use crate::base::tensor::{Elements, Tensor};
    let mut graph = Graph::new();
    let ty = Type::new(DType::F32, [4]);
    let x = graph.input("x", ty.clone());
    let of = graph.reduce(Reducer::Max, x, &[0], Span::default());
    let node = Node::Gradient {
        of,
        with_respect_to: vec![x],
    };
    graph.outputs = graph.add(node, vec![ty], Span::default());
    let inputs = [Tensor::new([4], Elements::F32(vec![1.0, 5.0, 5.0, 2.0])).unwrap()];
    let expanded = crate::grad::expand(&graph).unwrap();
    let out = crate::interp::run(&expanded, &inputs, crate::interp::Precision::AsTyped).unwrap();
    assert_eq!(out[0].to_f64(), [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn products_with_and_without_zeros() {
    for range in [(-1.5, 1.5), (0.0, 0.0)] {
        check_within(&[&[3, 4]], range, |graph, x| {
            let reads = vec![(x[0], vec![i(0), i(1)])];
            let reduce: (&[usize], _) = (&[4], Some(Reducer::Prod));
            vec![formula(graph, &[3], reduce, reads, |body, r| {
                // Every other factor is moved away from 0, so that there is one zero, or two, or none.
                let index = body.push(Inst::Index(1));
                let row = body.push(Inst::Index(0));
                let moved = body.op(Op::Lt, &[row, index]);
                let moved = body.op(Op::ToF32, &[moved]);
                body.op(Op::Add, &[r[0], moved])
            })]
        });
    }
}

#[test]
fn domains_leave_points_out() {
    let triangle = Guard {
        conditions: vec![Condition::NonNegative(affine(0, &[(0, 1), (1, -1)]))],
    };
    for reducer in [Reducer::Sum, Reducer::Max, Reducer::Prod] {
        let domain = triangle.clone();
        check(&[&[4, 4], &[4]], |graph, x| {
            let reads = vec![
                Read::affine(x[0], DType::F32, [i(0), i(1)]),
                Read::affine(x[1], DType::F32, [i(1)]),
            ];
            let reduce: (&[usize], _) = (&[4], Some(reducer));
            vec![comprehension(graph, &[4], reduce, domain, reads, product)]
        });
    }
    let domain = triangle.clone();
    check(&[&[4, 4]], |graph, x| {
        let reads = vec![Read::affine(x[0], DType::F32, [i(1), i(0)])];
        vec![comprehension(
            graph,
            &[4, 4],
            (&[], None),
            domain,
            reads,
            |body, r| body.op(Op::Exp, &[r[0]]),
        )]
    });
}

#[test]
fn broadcasts_reshapes_and_concatenations() {
    check(&[&[3, 1], &[4], &[3, 2]], |graph, x| {
        let sum = graph.elementwise(Op::Mul, &[x[0], x[1]], &[3, 4], Span::default());
        let joined = Type::new(DType::F32, [3, 6]);
        let joined = graph.add(
            Node::Concat(vec![sum, x[2]], 1),
            vec![joined],
            Span::default(),
        )[0];
        let flat = Type::new(DType::F32, [2, 9]);
        let flat = graph.add(Node::Reshape(joined), vec![flat], Span::default())[0];
        let twice = Type::new(DType::F32, [4, 9]);
        let twice = graph.add(
            Node::Concat(vec![flat, flat], 0),
            vec![twice],
            Span::default(),
        )[0];
        vec![graph.elementwise(Op::Tanh, &[twice], &[4, 9], Span::default())]
    });
}

#[test]
fn softmax_and_layer_norm_shapes() {
    check(&[&[3, 5]], |graph, x| {
        let largest = graph.reduce(Reducer::Max, x[0], &[1], Span::default());
        let reads = vec![(x[0], vec![i(0), i(1)]), (largest, vec![i(0)])];
        let powers = formula(graph, &[3, 5], (&[], None), reads, |body, r| {
            let difference = body.op(Op::Sub, &[r[0], r[1]]);
            body.op(Op::Exp, &[difference])
        });
        let total = graph.reduce(Reducer::Sum, powers, &[1], Span::default());
        let reads = vec![(powers, vec![i(0), i(1)]), (total, vec![i(0)])];
        vec![formula(graph, &[3, 5], (&[], None), reads, |body, r| {
            body.op(Op::Div, &[r[0], r[1]])
        })]
    });
}

fn index_input(
    graph: &mut Graph,
    inputs: &mut Vec<crate::base::tensor::Tensor>,
    shape: &[usize],
    bound: usize,
) -> Value {
    let ty = Type::new(DType::I32, shape);
    inputs.push(Numbers::new(9).tensor(&ty, (0.0, 0.0), bound));
    graph.input("index", ty)
}

#[test]
fn gathers_become_scatters_and_back() {
    let mut graph = Graph::new();
    let mut inputs = vec![Numbers::new(4).tensor(&Type::new(DType::F64, [5, 3]), (-1.0, 1.0), 1)];
    let table = graph.input("table", Type::new(DType::F32, [5, 3]));
    let index = index_input(&mut graph, &mut inputs, &[2, 4], 5);
    let reads = vec![
        Read::affine(index, DType::I32, [i(0), i(1)]),
        Read {
            subscripts: vec![Subscript::Gather(0), Subscript::Affine(i(2))],
            ..Read::affine(table, DType::F32, [])
        },
    ];
    let rows = comprehension(
        &mut graph,
        &[2, 4, 3],
        (&[], None),
        Guard::always(),
        reads,
        |body, r| body.op(Op::Sin, &[r[1]]),
    );
    graph.outputs = vec![rows];
    agree(&Case { graph, inputs });
}

#[test]
fn the_gradient_of_a_scatter_gathers() {
    let mut graph = Graph::new();
    let mut inputs = vec![Numbers::new(4).tensor(&Type::new(DType::F64, [6]), (-1.0, 1.0), 1)];
    let x = graph.input("x", Type::new(DType::F32, [6]));
    let index = index_input(&mut graph, &mut inputs, &[6], 3);
    let mut body = Body::default();
    let read = body.push(Inst::Read(1));
    body.result = body.op(Op::Exp, &[read]);
    let scatter = Scatter {
        shape: vec![3, 6],
        extents: vec![6],
        domain: Guard {
            conditions: vec![Condition::NonNegative(affine(4, &[(0, -1)]))],
        },
        reads: vec![
            Read::affine(index, DType::I32, [i(0)]),
            Read::affine(x, DType::F32, [affine(5, &[(0, -1)])]),
        ],
        body,
        target: vec![Subscript::Gather(0), Subscript::Affine(i(0))],
        dtype: DType::F32,
    };
    let ty = Type::new(DType::F32, [3, 6]);
    graph.outputs = graph.add(Node::Scatter(scatter), vec![ty], Span::default());
    agree(&Case { graph, inputs });
}

#[test]
fn a_value_read_at_a_composite_place_beside_the_one_it_is_solved_for() {
    // y[i] = sum[k] a[2*i + k] b[i + k]: turned for b, a is read at 2*q - k under 0 <= q - k.
    check(&[&[9], &[6]], |graph, x| {
        let reads = vec![
            (x[0], vec![affine(0, &[(0, 2), (1, 1)])]),
            (x[1], vec![affine(0, &[(0, 1), (1, 1)])]),
        ];
        vec![formula(graph, &[4], sum(&[3]), reads, product)]
    });
}

#[test]
fn what_the_scalar_does_not_depend_on_has_zeros() {
    check(&[&[3], &[2]], |graph, x| {
        vec![graph.elementwise(Op::Sin, &[x[0]], &[3], Span::default())]
    });
}

#[test]
fn empty_tensors_have_empty_gradients() {
    check(&[&[0, 3], &[3, 2]], |graph, x| {
        let reads = vec![(x[0], vec![i(0), i(2)]), (x[1], vec![i(2), i(1)])];
        vec![formula(graph, &[0, 2], sum(&[3]), reads, product)]
    });
}
