//! Gradients of every kind of node against finite differences, to the second order; their form where it matters to later passes.
mod accesses;
mod operators;
mod random;
mod scans;

use crate::base::types::{DType, Type};
use crate::testing::gradients::{Case, compare};
use crate::testing::numbers::Numbers;
use crate::tir::{Affine, Graph, Value};

/// Checks first and second derivatives of the outputs that `build` makes of float inputs of these shapes.
#[track_caller]
pub(super) fn check(shapes: &[&[usize]], build: impl FnOnce(&mut Graph, &[Value]) -> Vec<Value>) {
    check_within(shapes, (-1.5, 1.5), build);
}

/// The same with inputs from a range.
#[track_caller]
pub(super) fn check_within(
    shapes: &[&[usize]],
    range: (f64, f64),
    build: impl FnOnce(&mut Graph, &[Value]) -> Vec<Value>,
) {
    let mut graph = Graph::new();
    let mut numbers = Numbers::new(17);
    let mut inputs = Vec::new();
    let values: Vec<Value> = shapes
        .iter()
        .enumerate()
        .map(|(at, &shape)| {
            inputs.push(numbers.tensor(&Type::new(DType::F64, shape), range, 1));
            graph.input(format!("x{at}"), Type::new(DType::F32, shape))
        })
        .collect();
    graph.outputs = build(&mut graph, &values);
    agree(&Case { graph, inputs });
}

#[track_caller]
pub(super) fn agree(case: &Case) {
    let comparisons = compare(case, 5, 3).unwrap_or_else(|why| panic!("{why}"));
    for (at, comparison) in comparisons.iter().enumerate() {
        let order = at + 1;
        assert!(
            comparison.agrees(2e-6),
            "order {order}: {comparison:?}\n{}",
            case.graph
        );
    }
}

/// The index of a number.
pub(super) fn i(index: usize) -> Affine {
    Affine::index(index)
}

/// An affine expression.
pub(super) fn affine(constant: i64, terms: &[(usize, i64)]) -> Affine {
    Affine::new(constant, terms.iter().copied())
}
