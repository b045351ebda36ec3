//! Every operator of the table.
use super::{agree, check, i};
use crate::base::source::Span;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type};
use crate::grad::expand;
use crate::interp::{Precision, run};
use crate::testing::gradients::{Case, formula};
use crate::testing::numbers::Numbers;
use crate::tir::{Graph, Node, Op};

/// Applies an operator to float inputs; `bool` first arguments come from a comparison.
fn application(op: Op, numbers: &mut Numbers) -> Option<Case> {
    let row = crate::ops::table::definition(op);
    let mut types = vec![DType::F32; row.arity];
    if op == Op::Select {
        types[0] = DType::Bool;
    }
    if !op.result_type(&types)?.is_float() {
        return None;
    }
    let mut graph = Graph::new();
    let mut inputs = Vec::new();
    let values: Vec<_> = row
        .sample
        .iter()
        .zip(&types)
        .map(|(&range, &dtype)| {
            let wide = if dtype == DType::Bool {
                dtype
            } else {
                DType::F64
            };
            inputs.push(numbers.tensor(&Type::new(wide, [40]), range, 2));
            graph.input("x", Type::new(dtype, [40]))
        })
        .collect();
    graph.outputs = vec![graph.elementwise(op, &values, &[40], Span::default())];
    Some(Case { graph, inputs })
}

#[test]
fn every_operator_of_floats_agrees_with_differences() {
    let mut numbers = Numbers::new(3);
    let checked = Op::ALL
        .iter()
        .filter_map(|&op| application(op, &mut numbers))
        .inspect(agree)
        .count();
    assert_eq!(checked, 25);
}

/// The derivatives by both arguments of an operator at a point, in f32.
fn slopes(op: Op, arguments: &[f32]) -> Vec<f64> {
    let mut graph = Graph::new();
    let ty = Type::scalar(DType::F32);
    let values: Vec<_> = arguments
        .iter()
        .map(|_| graph.input("x", ty.clone()))
        .collect();
    let of = graph.elementwise(op, &values, &[], Span::default());
    let types = vec![ty; arguments.len()];
    let node = Node::Gradient {
        of,
        with_respect_to: values,
    };
    graph.outputs = graph.add(node, types, Span::default());
    let inputs: Vec<Tensor> = arguments.iter().map(|&x| Tensor::scalar(x)).collect();
    let out = run(&expand(&graph).unwrap(), &inputs, Precision::AsTyped).unwrap();
    out.iter().map(|tensor| tensor.get(0).unwrap()).collect()
}

#[test]
fn awkward_points_have_the_values_of_pytorch() {
    assert_eq!(slopes(Op::Max, &[2.0, 2.0]), [0.5, 0.5]);
    assert_eq!(slopes(Op::Min, &[2.0, 2.0]), [0.5, 0.5]);
    assert_eq!(slopes(Op::Max, &[1.0, 2.0]), [0.0, 1.0]);
    assert_eq!(slopes(Op::Abs, &[0.0]), [0.0]);
    assert_eq!(slopes(Op::Sqrt, &[0.0]), [f64::INFINITY]);
    assert_eq!(slopes(Op::Pow, &[0.0, 0.0]), [0.0, 0.0]);
    assert_eq!(slopes(Op::Pow, &[0.0, 2.0]), [0.0, 0.0]);
    assert_eq!(slopes(Op::Pow, &[0.0, 1.0]), [1.0, 0.0]);
    assert_eq!(slopes(Op::Log, &[0.0]), [f64::INFINITY]);
    assert_eq!(slopes(Op::Floor, &[1.5]), [0.0]);
}

#[test]
fn powers_with_constant_exponents() {
    for exponent in [0.0, 1.0, 2.0, 3.0, -1.0] {
        check(&[&[5]], |graph, x| {
            let y = formula(
                graph,
                &[5],
                (&[], None),
                vec![(x[0], vec![i(0)])],
                |body, r| {
                    let exponent = body.constant(DType::F32, exponent);
                    body.op(Op::Pow, &[r[0], exponent])
                },
            );
            vec![y]
        });
    }
}

#[test]
fn conversions_between_floats_and_values_of_indices() {
    check(&[&[4]], |graph, x| {
        let y = formula(
            graph,
            &[4],
            (&[], None),
            vec![(x[0], vec![i(0)])],
            |body, r| {
                let wide = body.op(Op::ToF64, &[r[0]]);
                let index = body.push(crate::tir::Inst::Index(0));
                let index = body.op(Op::ToF64, &[index]);
                let square = body.op(Op::Mul, &[wide, wide]);
                body.op(Op::Mul, &[square, index])
            },
        );
        vec![y]
    });
}

#[test]
fn a_barrier_stops_the_gradient_and_is_erased() {
    let mut graph = Graph::new();
    let ty = Type::scalar(DType::F32);
    let x = graph.input("x", ty.clone());
    let stopped = graph.add(Node::StopGradient(x), vec![ty.clone()], Span::default())[0];
    let y = graph.elementwise(Op::Mul, &[x, stopped], &[], Span::default());
    let node = Node::Gradient {
        of: y,
        with_respect_to: vec![x, stopped],
    };
    graph.outputs = graph.add(node, vec![ty.clone(), ty], Span::default());
    let expanded = expand(&graph).unwrap();
    let x = Tensor::new([], Elements::F32(vec![3.0])).unwrap();
    let out = run(&expanded, &[x], Precision::AsTyped).unwrap();
    assert_eq!((out[0].get(0), out[1].get(0)), (Some(3.0), Some(3.0)));
    assert!(!expanded.to_string().contains("stop_gradient"));
}
