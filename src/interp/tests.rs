use super::*;
use crate::tir::build::map;
use crate::tir::{
    Affine, Body, Comprehension, Condition, Guard, Inst, Literal, Op, Order, Read, Reducer, Scan,
    Scatter, Subscript,
};

fn f32s(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::new(shape, Elements::F32(values.to_vec())).unwrap()
}

fn i32s(shape: &[usize], values: &[i32]) -> Tensor {
    Tensor::new(shape, Elements::I32(values.to_vec())).unwrap()
}

/// Runs a graph whose outputs are set, as typed.
fn run_typed(graph: &Graph, inputs: &[Tensor]) -> Vec<Tensor> {
    run(graph, inputs, Precision::AsTyped).unwrap()
}

fn single_read() -> Body {
    let mut body = Body::default();
    body.result = body.push(Inst::Read(0));
    body
}

/// A sum of products of two vectors of `k` elements.
fn dot(k: usize, order: Order) -> Graph {
    let mut graph = Graph::new();
    let ty = Type::new(DType::F32, [k]);
    let (a, b) = (graph.input("a", ty.clone()), graph.input("b", ty));
    let mut body = Body::default();
    let arguments = [body.push(Inst::Read(0)), body.push(Inst::Read(1))];
    body.result = body.op(Op::Mul, &arguments);
    let product = Comprehension {
        shape: vec![],
        reduce: vec![k],
        reducer: Some(Reducer::Sum),
        order,
        domain: Guard::always(),
        reads: [a, b]
            .map(|value| Read::affine(value, DType::F32, [Affine::index(0)]))
            .to_vec(),
        body,
        dtype: DType::F32,
    };
    let value = graph.comprehension(product, Span::default());
    graph.outputs = vec![value];
    graph
}

fn ramp(k: usize, step: f32) -> Vec<f32> {
    (0..k).map(|i| (i as f32 * step).sin() + 0.1).collect()
}

#[test]
fn a_chain_is_fused_and_cut_into_pieces() {
    let k = 9000;
    let (a, b) = (ramp(k, 0.37), ramp(k, 0.11));
    let mut total = 0f32;
    // 9000 elements are three pieces of 3000.
    for piece in 0..3 {
        let mut chain = 0f32;
        for i in piece * 3000..(piece + 1) * 3000 {
            chain = a[i].mul_add(b[i], chain);
        }
        total += chain;
    }
    let out = run_typed(&dot(k, Order::Chain), &[f32s(&[k], &a), f32s(&[k], &b)]);
    assert_eq!(out[0].as_f32().unwrap()[0].to_bits(), total.to_bits());
}

#[test]
fn lanes_are_combined_pairwise() {
    let k = 37;
    let (a, b) = (ramp(k, 0.37), ramp(k, 0.11));
    let mut lanes = [0f32; 16];
    for i in 0..k {
        lanes[i % 16] = a[i].mul_add(b[i], lanes[i % 16]);
    }
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    let out = run_typed(&dot(k, Order::Lanes), &[f32s(&[k], &a), f32s(&[k], &b)]);
    assert_eq!(out[0].as_f32().unwrap()[0].to_bits(), lanes[0].to_bits());
}

#[test]
fn f64_precision_computes_floats_in_f64() {
    let k = 3;
    let (a, b) = ([0.1f32, 0.2, 0.3], [1.0f32, 1e-9, 1.0]);
    let inputs = [f32s(&[k], &a), f32s(&[k], &b)];
    let out = run(&dot(k, Order::Chain), &inputs, Precision::F64).unwrap();
    let expected = f64::from(a[2]).mul_add(
        1.0,
        f64::from(a[1]).mul_add(f64::from(b[1]), f64::from(a[0])),
    );
    assert_eq!(out[0].elements(), &Elements::F64(vec![expected]));
}

fn reduced(reducer: Reducer, values: &[f32]) -> f64 {
    let mut graph = Graph::new();
    let x = graph.input("x", Type::new(DType::F32, [values.len()]));
    let y = graph.reduce(reducer, x, &[0], Span::default());
    graph.outputs = vec![y];
    run_typed(&graph, &[f32s(&[values.len()], values)])[0]
        .get(0)
        .unwrap()
}

#[test]
fn reducers_keep_the_rules_of_nan_ties_and_nothing() {
    let nan = f32::NAN;
    assert_eq!(reduced(Reducer::ArgMax, &[1.0, 3.0, 3.0]), 1.0);
    assert_eq!(reduced(Reducer::ArgMax, &[1.0, nan, 3.0, nan]), 1.0);
    assert_eq!(reduced(Reducer::ArgMax, &[]), 0.0);
    assert!(reduced(Reducer::Max, &[1.0, nan, 3.0]).is_nan());
    assert!(reduced(Reducer::Min, &[nan, 1.0]).is_nan());
    assert_eq!(reduced(Reducer::Max, &[]), f64::NEG_INFINITY);
    assert_eq!(reduced(Reducer::Min, &[]), f64::INFINITY);
    assert_eq!(reduced(Reducer::Prod, &[2.0, 3.0]), 6.0);
    assert_eq!(reduced(Reducer::Prod, &[]), 1.0);
    assert_eq!(reduced(Reducer::Sum, &[]), 0.0);
}

/// `out[i < 3] = table[index[i]]`
fn lookup(indices: &[i32]) -> Result<Vec<Tensor>, InterpError> {
    let mut graph = Graph::new();
    let table = graph.input("table", Type::new(DType::F32, [4]));
    let index = graph.input("index", Type::new(DType::I32, [3]));
    let reads = vec![
        Read::affine(index, DType::I32, [Affine::index(0)]),
        Read {
            subscripts: vec![Subscript::Gather(0)],
            ..Read::affine(table, DType::F32, [])
        },
    ];
    let mut body = Body::default();
    body.result = body.push(Inst::Read(1));
    let y = graph.comprehension(map(&[3], reads, body, DType::F32), Span::default());
    graph.outputs = vec![y];
    let inputs = [f32s(&[4], &[10.0, 11.0, 12.0, 13.0]), i32s(&[3], indices)];
    run(&graph, &inputs, Precision::AsTyped)
}

#[test]
fn a_gather_is_checked_against_its_dimension() {
    assert_eq!(lookup(&[3, 0, 1]).unwrap()[0].to_f64(), [13.0, 10.0, 11.0]);
    for bad in [4, -1] {
        let error = lookup(&[0, bad, 0]).unwrap_err();
        assert!(
            matches!(error, InterpError::OutOfRange { index, size: 4, .. } if index == i64::from(bad))
        );
    }
}

#[test]
fn outside_its_guard_a_read_gives_its_fill() {
    let mut graph = Graph::new();
    let x = graph.input("x", Type::new(DType::F32, [3]));
    let shifted = Affine::new(-1, [(0, 1)]);
    let read = Read {
        guard: Guard::within(&shifted, 3),
        fill: Literal {
            dtype: DType::F32,
            value: -7.0,
        },
        ..Read::affine(x, DType::F32, [shifted])
    };
    let y = graph.comprehension(
        map(&[5], vec![read], single_read(), DType::F32),
        Span::default(),
    );
    graph.outputs = vec![y];
    let out = run_typed(&graph, &[f32s(&[3], &[1.0, 2.0, 3.0])]);
    assert_eq!(out[0].to_f64(), [-7.0, 1.0, 2.0, 3.0, -7.0]);
}

#[test]
fn a_scatter_adds_into_its_places_and_a_domain_leaves_points_out() {
    let mut graph = Graph::new();
    let x = graph.input("x", Type::new(DType::F32, [6]));
    let index = graph.input("index", Type::new(DType::I32, [6]));
    let reads = [(x, DType::F32), (index, DType::I32)]
        .map(|(value, dtype)| Read::affine(value, dtype, [Affine::index(0)]))
        .to_vec();
    let scatter = Scatter {
        shape: vec![3],
        extents: vec![6],
        domain: Guard {
            conditions: vec![Condition::NonNegative(Affine::new(-1, [(0, 1)]))],
        },
        reads,
        body: single_read(),
        target: vec![Subscript::Gather(1)],
        dtype: DType::F32,
    };
    let ty = Type::new(DType::F32, [3]);
    graph.outputs = graph.add(Node::Scatter(scatter), vec![ty], Span::default());
    let x = f32s(&[6], &[100.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let out = run_typed(&graph, &[x, i32s(&[6], &[0, 2, 2, 0, 1, 0])]);
    assert_eq!(out[0].to_f64(), [8.0, 4.0, 3.0]);
}

#[test]
fn a_scan_carries_states_and_stacks_at_their_positions() {
    for reverse in [false, true] {
        let mut body = Graph::new();
        let scalar = Type::scalar(DType::F32);
        body.input("turn", Type::scalar(DType::I32));
        let state = body.input("s", scalar.clone());
        let element = body.input("x", scalar.clone());
        let next = body.elementwise(Op::Add, &[state, element], &[], Span::default());
        body.outputs = vec![next, next];
        let mut graph = Graph::new();
        let x = graph.input("x", Type::new(DType::F32, [3]));
        let zero = graph.splat(DType::F32, 0.0, &[], Span::default());
        let scan = Scan {
            length: 3,
            reverse,
            states: vec![zero],
            sequences: vec![(x, 0)],
            captured: vec![],
            stacks: vec![0],
            body: Box::new(body),
        };
        let types = vec![scalar, Type::new(DType::F32, [3])];
        graph.outputs = graph.add(Node::Scan(scan), types, Span::default());
        let out = run_typed(&graph, &[f32s(&[3], &[1.0, 10.0, 100.0])]);
        assert_eq!(out[0].to_f64(), [111.0]);
        let stack = if reverse {
            [111.0, 110.0, 100.0]
        } else {
            [1.0, 11.0, 111.0]
        };
        assert_eq!(out[1].to_f64(), stack);
    }
}

#[test]
fn concat_and_reshape_move_elements() {
    let mut graph = Graph::new();
    let a = graph.input("a", Type::new(DType::F32, [2, 1]));
    let b = graph.input("b", Type::new(DType::F32, [2, 2]));
    let joined = Type::new(DType::F32, [2, 3]);
    let c = graph.add(Node::Concat(vec![a, b], 1), vec![joined], Span::default())[0];
    let flat = Type::new(DType::F32, [6]);
    graph.outputs = graph.add(Node::Reshape(c), vec![flat], Span::default());
    let inputs = [
        f32s(&[2, 1], &[1.0, 2.0]),
        f32s(&[2, 2], &[3.0, 4.0, 5.0, 6.0]),
    ];
    let out = run_typed(&graph, &inputs);
    assert_eq!(out[0].to_f64(), [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
    assert_eq!(out[0].shape(), [6]);
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let graph = dot(3, Order::Chain);
    let x = f32s(&[3], &[0.0; 3]);
    assert!(matches!(
        run(&graph, std::slice::from_ref(&x), Precision::AsTyped),
        Err(InterpError::InputCount {
            expected: 2,
            given: 1
        })
    ));
    assert!(matches!(
        run(&graph, &[x, i32s(&[3], &[0; 3])], Precision::AsTyped),
        Err(InterpError::InputType { .. })
    ));
}
