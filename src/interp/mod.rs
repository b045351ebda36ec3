//! The reference interpreter: what a graph means, evaluated node by node in plain loops. Slow on purpose; the oracle of the compiler.
//!
//! In `f32` it gives the bits of the kernels: the same scalar functions ([`crate::ops::math`]), the same order of every sum
//! ([`crate::tir::Order`], [`crate::tir::piece_length`]), fused multiply-add exactly where a sum's body is a product of two reads.
mod comprehension;
#[cfg(test)]
mod tests;

use crate::base::source::Span;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type, strides};
use crate::ops::evaluate::rounded;
use crate::tir::verify::verify;
use crate::tir::{Graph, Node, Scan, Value};
use comprehension::Evaluator;
use thiserror::Error;

/// In which numbers floats are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Every value in its own type.
    AsTyped,
    /// Every float in `f64`, whatever its type; for finite differences.
    F64,
}

impl Precision {
    /// The type in which a value of this type is computed.
    pub fn of(self, dtype: DType) -> DType {
        match (self, dtype) {
            (Precision::F64, DType::F32) => DType::F64,
            (Precision::F64 | Precision::AsTyped, other) => other,
        }
    }
}

/// Why a graph could not be evaluated.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum InterpError {
    /// The graph breaks an invariant, or holds a node that differentiation removes.
    #[error("malformed graph: {0}")]
    Malformed(String),
    /// Another number of inputs than the graph has.
    #[error("the graph has {expected} inputs, {given} were given")]
    InputCount {
        /// Inputs of the graph.
        expected: usize,
        /// Tensors given.
        given: usize,
    },
    /// An input of another type.
    #[error("input \"{name}\" is {expected}, a {given} was given")]
    InputType {
        /// The input's name.
        name: String,
        /// Its type.
        expected: Type,
        /// The given tensor's type.
        given: Type,
    },
    /// A gathered position beyond its dimension.
    #[error("index {index} is out of range for a dimension of size {size}")]
    OutOfRange {
        /// The position found.
        index: i64,
        /// Size of the dimension.
        size: usize,
        /// The access in the source.
        origin: Span,
    },
}

/// A value while the graph runs: elements carried as `f64` (see [`crate::ops::evaluate`]), and its sizes.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    shape: Vec<usize>,
    elements: Vec<f64>,
}

/// Evaluates the graph; one tensor for each output. Floats come out as `f64` under [`Precision::F64`].
///
/// # Errors
/// Inputs that do not fit, gathered positions out of range, graphs that break an invariant.
pub fn run(
    graph: &Graph,
    inputs: &[Tensor],
    precision: Precision,
) -> Result<Vec<Tensor>, InterpError> {
    verify(graph).map_err(InterpError::Malformed)?;
    if inputs.len() != graph.inputs.len() {
        return Err(InterpError::InputCount {
            expected: graph.inputs.len(),
            given: inputs.len(),
        });
    }
    let mut carried = Vec::with_capacity(inputs.len());
    for (tensor, input) in inputs.iter().zip(&graph.inputs) {
        let given = tensor.ty();
        let fits = precision.of(given.dtype) == precision.of(input.ty.dtype);
        if !fits || given.shape != input.ty.shape {
            return Err(InterpError::InputType {
                name: input.name.clone(),
                expected: input.ty.clone(),
                given,
            });
        }
        carried.push(Dense {
            shape: given.shape,
            elements: tensor.to_f64(),
        });
    }
    let outputs = run_graph(graph, carried, precision)?;
    let types = graph.outputs.iter().map(|&value| graph.ty(value));
    outputs
        .into_iter()
        .zip(types)
        .map(|(dense, ty)| tensor(dense, precision.of(ty.dtype)))
        .collect()
}

fn tensor(dense: Dense, dtype: DType) -> Result<Tensor, InterpError> {
    let values = dense.elements.iter();
    let elements = match dtype {
        DType::F32 => Elements::F32(values.map(|&x| x as f32).collect()),
        DType::F64 => Elements::F64(dense.elements),
        DType::I32 => Elements::I32(values.map(|&x| x as i32).collect()),
        DType::Bool => Elements::Bool(values.map(|&x| u8::from(x != 0.0)).collect()),
        DType::U8 => Elements::U8(values.map(|&x| x as u8).collect()),
    };
    Tensor::new(dense.shape, elements)
        .ok_or_else(|| InterpError::Malformed("a result of another length than its type".into()))
}

/// The values of a graph that are known so far.
pub(crate) struct Environment<'a> {
    graph: &'a Graph,
    precision: Precision,
    values: Vec<Option<Dense>>,
}

impl Environment<'_> {
    fn get(&self, value: Value) -> Result<&Dense, InterpError> {
        self.values
            .get(value.as_u32() as usize)
            .and_then(Option::as_ref)
            .ok_or_else(|| InterpError::Malformed(format!("{value} is read before it is made")))
    }

    fn set(&mut self, value: Value, dense: Dense) {
        self.values[value.as_u32() as usize] = Some(dense);
    }
}

fn run_graph(
    graph: &Graph,
    inputs: Vec<Dense>,
    precision: Precision,
) -> Result<Vec<Dense>, InterpError> {
    let mut environment = Environment {
        graph,
        precision,
        values: vec![None; graph.value_count()],
    };
    for (input, dense) in graph.inputs.iter().zip(inputs) {
        environment.set(input.value, dense);
    }
    for (_, data) in graph.nodes() {
        run_node(&mut environment, &data.node, &data.results, data.origin)?;
    }
    graph
        .outputs
        .iter()
        .map(|&value| environment.get(value).cloned())
        .collect()
}

fn run_node(
    environment: &mut Environment,
    node: &Node,
    results: &[Value],
    origin: Span,
) -> Result<(), InterpError> {
    let graph = environment.graph;
    let made = match node {
        Node::Input(_) => return Ok(()),
        Node::Constant(elements) => {
            let ty = graph.ty(results[0]);
            let dtype = environment.precision.of(ty.dtype);
            vec![Dense {
                shape: ty.shape.clone(),
                elements: elements.iter().map(|&x| rounded(dtype, x)).collect(),
            }]
        }
        Node::Comprehension(c) => {
            vec![Evaluator::new(environment, &c.reads, &c.body, origin)?.comprehension(c)?]
        }
        Node::Scatter(s) => {
            vec![Evaluator::new(environment, &s.reads, &s.body, origin)?.scatter(s)?]
        }
        Node::Reshape(value) => vec![Dense {
            shape: graph.ty(results[0]).shape.clone(),
            elements: environment.get(*value)?.elements.clone(),
        }],
        Node::Concat(values, axis) => vec![concat(environment, values, *axis, results[0])?],
        Node::Scan(scan) => run_scan(environment, scan)?,
        Node::Region(region) => {
            for (at, member) in region.members.iter().enumerate() {
                run_node(environment, member, &results[at..=at], origin)?;
            }
            return Ok(());
        }
        Node::Gradient { .. } => {
            let why = "a gradient must be expanded before the graph runs";
            return Err(InterpError::Malformed(why.into()));
        }
        Node::StopGradient(value) => vec![environment.get(*value)?.clone()],
    };
    for (&value, dense) in results.iter().zip(made) {
        environment.set(value, dense);
    }
    Ok(())
}

fn concat(
    environment: &Environment,
    values: &[Value],
    axis: usize,
    result: Value,
) -> Result<Dense, InterpError> {
    let shape = environment.graph.ty(result).shape.clone();
    let mut elements = Vec::with_capacity(shape.iter().product());
    let outer: usize = shape[..axis].iter().product();
    for row in 0..outer {
        for &value in values {
            let part = environment.get(value)?;
            let length: usize = part.shape[axis..].iter().product();
            elements.extend_from_slice(&part.elements[row * length..(row + 1) * length]);
        }
    }
    Ok(Dense { shape, elements })
}

fn run_scan(environment: &Environment, scan: &Scan) -> Result<Vec<Dense>, InterpError> {
    let gather = |values: &[Value]| -> Result<Vec<Dense>, InterpError> {
        values
            .iter()
            .map(|&value| environment.get(value).cloned())
            .collect()
    };
    let mut states = gather(&scan.states)?;
    let captured = gather(&scan.captured)?;
    let mut stacks: Vec<Dense> = scan
        .body
        .outputs
        .iter()
        .skip(states.len())
        .zip(&scan.stacks)
        .map(|(&value, &axis)| empty_stack(&scan.body.ty(value).shape, axis, scan.length))
        .collect();
    for turn in 0..scan.length {
        let at = if scan.reverse {
            scan.length - 1 - turn
        } else {
            turn
        };
        let mut inputs = vec![Dense {
            shape: Vec::new(),
            elements: vec![at as f64],
        }];
        inputs.append(&mut states);
        for &(value, axis) in &scan.sequences {
            inputs.push(slice(environment.get(value)?, axis, at));
        }
        inputs.extend(captured.iter().cloned());
        states = run_graph(&scan.body, inputs, environment.precision)?;
        let made = states.split_off(scan.states.len());
        for ((stack, &axis), dense) in stacks.iter_mut().zip(&scan.stacks).zip(made) {
            store_slice(stack, axis, at, &dense);
        }
    }
    states.extend(stacks);
    Ok(states)
}

fn empty_stack(shape: &[usize], axis: usize, length: usize) -> Dense {
    let mut shape = shape.to_vec();
    shape.insert(axis, length);
    Dense {
        elements: vec![0.0; shape.iter().product()],
        shape,
    }
}

/// Position `at` along an axis, which vanishes.
fn slice(dense: &Dense, axis: usize, at: usize) -> Dense {
    let stride = strides(&dense.shape)[axis];
    let mut shape = dense.shape.clone();
    let length = shape.remove(axis);
    let outer: usize = dense.shape[..axis].iter().product();
    let mut elements = Vec::with_capacity(outer * stride);
    for row in 0..outer {
        let start = (row * length + at) * stride;
        elements.extend_from_slice(&dense.elements[start..start + stride]);
    }
    Dense { shape, elements }
}

fn store_slice(stack: &mut Dense, axis: usize, at: usize, part: &Dense) {
    let stride = strides(&stack.shape)[axis];
    let (outer, length) = (
        stack.shape[..axis].iter().product::<usize>(),
        stack.shape[axis],
    );
    for row in 0..outer {
        let start = (row * length + at) * stride;
        stack.elements[start..start + stride]
            .copy_from_slice(&part.elements[row * stride..(row + 1) * stride]);
    }
}
