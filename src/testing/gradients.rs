//! Gradients against central finite differences along one random direction, in `f64` by the interpreter, to any order.
use super::numbers::Numbers;
use crate::base::source::Span;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type};
use crate::grad::expand;
use crate::interp::{Precision, run};
use crate::pass::optimise;
use crate::tir::build::map;
use crate::tir::verify::verify;
use crate::tir::{
    Body, Comprehension, Graph, Guard, Inst, Node, Op, Order, Read, Reducer, Subscript, Value,
};

/// Half the distance of the two points of a difference.
const STEP: f64 = 1e-6;

/// A graph with its inputs' numbers, whose outputs are differentiated.
pub struct Case {
    /// The graph; its gradient is taken with respect to every float input.
    pub graph: Graph,
    /// A tensor for each input; floats in `f64`.
    pub inputs: Vec<Tensor>,
}

/// How a derivative and a difference compare.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// By the expanded graph.
    pub derivative: f64,
    /// By differences.
    pub difference: f64,
}

impl Comparison {
    /// Whether they agree to `tolerance`, relative to the larger of them and 1.
    pub fn agrees(&self, tolerance: f64) -> bool {
        let scale = self.difference.abs().max(self.derivative.abs()).max(1.0);
        (self.derivative - self.difference).abs() <= tolerance * scale
    }
}

/// `sum(weights * y) + sum(y * y) / 2` over all float outputs, as a scalar `f32` or `f64`.
pub fn loss(graph: &mut Graph, outputs: &[Value], numbers: &mut Numbers) -> Value {
    let mut total = None;
    for &output in outputs {
        let ty = graph.ty(output).clone();
        if !ty.dtype.is_float() {
            continue;
        }
        let weights = (0..ty.len()).map(|_| numbers.uniform(-1.0, 1.0)).collect();
        let weights = graph.add(Node::Constant(weights), vec![ty.clone()], Span::default())[0];
        let mut body = Body::default();
        let (y, w) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
        let half = body.constant(ty.dtype, 0.5);
        let scaled = body.op(Op::Mul, &[half, y]);
        let slope = body.op(Op::Add, &[w, scaled]);
        let value = body.op(Op::Mul, &[slope, y]);
        let part = contract(graph, &[output, weights], body, value, &ty);
        total = Some(match total {
            None => part,
            Some(total) => graph.elementwise(Op::Add, &[total, part], &[], Span::default()),
        });
    }
    total.unwrap_or_else(|| graph.splat(DType::F32, 0.0, &[], Span::default()))
}

/// The sum over all elements of code on equal reads of operands of one type; an `f64` is narrowed, so that all sums have one type.
fn contract(graph: &mut Graph, operands: &[Value], mut body: Body, value: u32, ty: &Type) -> Value {
    body.result = match ty.dtype {
        DType::F64 => body.op(Op::ToF32, &[value]),
        DType::F32 | DType::I32 | DType::Bool | DType::U8 => value,
    };
    let reads = operands
        .iter()
        .map(|&operand| graph.broadcast_read(operand, &ty.shape))
        .collect();
    let mut comprehension = map(&ty.shape, reads, body, DType::F32);
    comprehension.reduce = std::mem::take(&mut comprehension.shape);
    comprehension.reducer = (!comprehension.reduce.is_empty()).then_some(Reducer::Sum);
    graph.comprehension(comprehension, Span::default())
}

/// Adds the gradient of a scalar by all float inputs, and its scalar product with a direction.
fn directional(graph: &mut Graph, of: Value, directions: &[(Value, Tensor)]) -> Value {
    let sources: Vec<Value> = directions.iter().map(|(input, _)| *input).collect();
    let types = sources
        .iter()
        .map(|&value| graph.ty(value).clone())
        .collect();
    let node = Node::Gradient {
        of,
        with_respect_to: sources,
    };
    let gradients = graph.add(node, types, Span::default());
    let mut total = None;
    for (gradient, (_, direction)) in gradients.into_iter().zip(directions) {
        let ty = graph.ty(gradient).clone();
        let direction = graph.add(
            Node::Constant(direction.to_f64()),
            vec![ty.clone()],
            Span::default(),
        )[0];
        let mut body = Body::default();
        let (a, b) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
        let product = body.op(Op::Mul, &[a, b]);
        let part = contract(graph, &[gradient, direction], body, product, &ty);
        total = Some(match total {
            None => part,
            Some(total) => graph.elementwise(Op::Add, &[total, part], &[], Span::default()),
        });
    }
    total.unwrap_or_else(|| graph.splat(DType::F32, 0.0, &[], Span::default()))
}

fn shifted(inputs: &[Tensor], direction: &[Option<Tensor>], step: f64) -> Vec<Tensor> {
    inputs
        .iter()
        .zip(direction)
        .map(|(tensor, direction)| match direction {
            None => tensor.clone(),
            Some(direction) => {
                let values = tensor
                    .to_f64()
                    .iter()
                    .zip(direction.to_f64())
                    .map(|(x, d)| x + step * d)
                    .collect();
                Tensor::new(tensor.shape(), Elements::F64(values)).unwrap_or_else(|| tensor.clone())
            }
        })
        .collect()
}

/// Compares derivatives of a loss of the case's outputs, up to an order, along random directions with differences of the order below;
/// and the expanded graph with its optimised form.
///
/// # Errors
/// What expansion, the verifier, a pass or the interpreter says, with the graph.
pub fn compare(case: &Case, seed: u64, orders: usize) -> Result<Vec<Comparison>, String> {
    let mut numbers = Numbers::new(seed);
    let directions: Vec<Vec<Option<Tensor>>> = (0..orders)
        .map(|_| random_direction(&case.graph, &mut numbers))
        .collect();
    let mut graph = case.graph.clone();
    let outputs = std::mem::take(&mut graph.outputs);
    let mut slopes = vec![loss(&mut graph, &outputs, &mut numbers)];
    for direction in &directions {
        let along: Vec<(Value, Tensor)> = graph
            .inputs
            .iter()
            .zip(direction)
            .filter_map(|(input, direction)| Some((input.value, direction.clone()?)))
            .collect();
        let last = slopes[slopes.len() - 1];
        slopes.push(directional(&mut graph, last, &along));
    }
    graph.outputs = slopes;
    let expanded = expand(&graph).map_err(|why| format!("{why}\n{graph}"))?;
    verify(&expanded).map_err(|why| format!("{why}\n{graph}\nbecomes\n{expanded}"))?;
    let values = |graph: &Graph, inputs: &[Tensor]| -> Result<Vec<f64>, String> {
        let outputs =
            run(graph, inputs, Precision::F64).map_err(|why| format!("{why}\n{graph}"))?;
        Ok(outputs.iter().filter_map(|tensor| tensor.get(0)).collect())
    };
    let here = values(&expanded, &case.inputs)?;
    let optimised = optimise(&expanded, &[], &mut |_, _| {})?;
    for (plain, fast) in here.iter().zip(values(&optimised, &case.inputs)?) {
        if (plain - fast).abs() > 1e-9 * plain.abs().max(1.0) {
            return Err(format!(
                "optimised {fast}, plain {plain}\n{expanded}\nbecomes\n{optimised}"
            ));
        }
    }
    let mut comparisons = Vec::new();
    for (order, direction) in directions.iter().enumerate() {
        let ahead = values(&expanded, &shifted(&case.inputs, direction, STEP))?;
        let behind = values(&expanded, &shifted(&case.inputs, direction, -STEP))?;
        comparisons.push(Comparison {
            derivative: here[order + 1],
            difference: (ahead[order] - behind[order]) / (2.0 * STEP),
        });
    }
    Ok(comparisons)
}

fn random_direction(graph: &Graph, numbers: &mut Numbers) -> Vec<Option<Tensor>> {
    let types = graph.inputs.iter().map(|input| &input.ty);
    types
        .map(|ty| {
            let wide = Type::new(DType::F64, ty.shape.clone());
            ty.dtype
                .is_float()
                .then(|| numbers.tensor(&wide, (-1.0, 1.0), 1))
        })
        .collect()
}

/// A comprehension written shortly: reads by affine subscripts, no guards.
pub fn formula(
    graph: &mut Graph,
    shape: &[usize],
    reduce: (&[usize], Option<Reducer>),
    reads: Vec<(Value, Vec<crate::tir::Affine>)>,
    code: impl FnOnce(&mut Body, &[u32]) -> u32,
) -> Value {
    let reads: Vec<Read> = reads
        .into_iter()
        .map(|(value, subscripts)| Read {
            subscripts: subscripts.into_iter().map(Subscript::Affine).collect(),
            ..Read::affine(value, graph.ty(value).dtype, [])
        })
        .collect();
    let mut body = Body::default();
    let found: Vec<u32> = (0..reads.len() as u32)
        .map(|read| body.push(Inst::Read(read)))
        .collect();
    body.result = code(&mut body, &found);
    let types: Vec<DType> = reads
        .iter()
        .map(|read| graph.ty(read.value).dtype)
        .collect();
    let dtype = body
        .types(&types)
        .and_then(|types| types.get(body.result as usize).copied())
        .unwrap_or(DType::F32);
    let comprehension = Comprehension {
        shape: shape.to_vec(),
        reduce: reduce.0.to_vec(),
        reducer: reduce.1,
        order: Order::default(),
        domain: Guard::always(),
        reads,
        body,
        dtype: if reduce.1 == Some(Reducer::ArgMax) {
            DType::I32
        } else {
            dtype
        },
    };
    graph.comprehension(comprehension, Span::default())
}
