//! Reverse mode: replaces every [`Node::Gradient`] by the nodes that compute it, and erases [`Node::StopGradient`].
//!
//! There is one rule for all that is a comprehension: differentiate the body ([`term`]), turn the access round ([`access`]). What comes
//! out is made of the same nodes, so a gradient has gradients of any order. Gradients are expanded in the order of the graph.
//!
//! Contributions to a value are added in the order of its readers in the source. No rule computes what no gradient needs.
mod access;
mod comprehension;
mod reverse;
mod scan;
mod term;
#[cfg(test)]
mod tests;

use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::tir::{Graph, Node, NodeData, Scan, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// The graph with every gradient expanded and every barrier erased; inputs and outputs stay.
///
/// # Errors
/// A graph that breaks an invariant, or holds a region (which only fusion makes). Both are faults of the compiler.
pub fn expand(graph: &Graph) -> Result<Graph, String> {
    let expanded = expand_gradients(graph)?;
    Ok(without_barriers(&expanded, &expanded.outputs))
}

/// Copies a graph and expands its gradients; barriers stay, since a later gradient must still see them.
fn expand_gradients(graph: &Graph) -> Result<Graph, String> {
    let differentiated = graph
        .nodes()
        .any(|(_, data)| matches!(data.node, Node::Gradient { .. }));
    let mut copy = Copy::of_inputs(graph);
    for (_, data) in graph.nodes() {
        match &data.node {
            Node::Input(_) => {}
            Node::Gradient {
                of,
                with_respect_to,
            } => {
                let of = copy.image(*of);
                let sources: Vec<Value> = with_respect_to
                    .iter()
                    .map(|&value| copy.image(value))
                    .collect();
                let gradients = gradients(&mut copy.graph, of, &sources, data.origin)?;
                copy.bind(&data.results, &gradients);
            }
            Node::Scan(scan) => {
                let body = Box::new(expand_gradients(&scan.body)?);
                let inner = Scan {
                    body,
                    ..scan.clone()
                };
                let mut node = copy.translated(&Node::Scan(inner));
                if let (true, Node::Scan(scan)) = (differentiated, &mut node) {
                    scan::hoist_invariants(&mut copy.graph, scan, data.origin);
                }
                copy.add(graph, data, node);
            }
            Node::Constant(_)
            | Node::Comprehension(_)
            | Node::Reshape(_)
            | Node::Concat(..)
            | Node::Scatter(_)
            | Node::Region(_)
            | Node::StopGradient(_) => {
                let node = copy.translated(&data.node);
                copy.add(graph, data, node);
            }
        }
    }
    Ok(copy.finish(&graph.outputs))
}

/// The gradients of a scalar, zeros where it does not depend on the value.
fn gradients(
    graph: &mut Graph,
    of: Value,
    sources: &[Value],
    origin: Span,
) -> Result<Vec<Value>, String> {
    let dtype = graph.ty(of).dtype;
    if !dtype.is_float() {
        return Err(format!("gradient of {of}, which is {dtype}"));
    }
    let one = graph.splat(dtype, 1.0, &[], origin);
    let contributions = reverse::reverse(graph, &[(of, one)], sources)?;
    Ok(sources
        .iter()
        .zip(contributions)
        .map(|(&source, parts)| total_or_zeros(graph, source, &parts, origin))
        .collect())
}

/// The sum of contributions to a value's cotangent; zeros of its type where there are none.
fn total_or_zeros(graph: &mut Graph, value: Value, parts: &[Value], origin: Span) -> Value {
    reverse::sum(graph, parts, origin).unwrap_or_else(|| {
        let Type { dtype, shape } = graph.ty(value).clone();
        graph.splat(dtype, 0.0, &shape, origin)
    })
}

/// The nodes that `outputs` need, without barriers; all inputs stay.
fn without_barriers(graph: &Graph, outputs: &[Value]) -> Graph {
    let mut live: FxHashSet<Value> = outputs.iter().copied().collect();
    for (_, data) in graph.nodes().rev() {
        if data.results.iter().any(|value| live.contains(value)) {
            live.extend(data.node.operands());
        }
    }
    let mut copy = Copy::of_inputs(graph);
    for (_, data) in graph.nodes() {
        let needed = data.results.iter().any(|value| live.contains(value));
        match &data.node {
            _ if !needed => {}
            Node::Input(_) => {}
            Node::StopGradient(value) => {
                let image = copy.image(*value);
                copy.bind(&data.results, &[image]);
            }
            Node::Scan(scan) => {
                let body = Box::new(without_barriers(&scan.body, &scan.body.outputs));
                let inner = Scan {
                    body,
                    ..scan.clone()
                };
                let node = copy.translated(&Node::Scan(inner));
                copy.add(graph, data, node);
            }
            Node::Constant(_)
            | Node::Comprehension(_)
            | Node::Reshape(_)
            | Node::Concat(..)
            | Node::Scatter(_)
            | Node::Region(_)
            | Node::Gradient { .. } => {
                let node = copy.translated(&data.node);
                copy.add(graph, data, node);
            }
        }
    }
    copy.finish(outputs)
}

/// A graph that is being copied node by node.
#[derive(Default)]
struct Copy {
    graph: Graph,
    images: FxHashMap<Value, Value>,
}

impl Copy {
    /// Starts with all inputs of a graph.
    fn of_inputs(graph: &Graph) -> Copy {
        let mut copy = Copy::default();
        for input in &graph.inputs {
            let value = copy.graph.input(input.name.clone(), input.ty.clone());
            copy.images.insert(input.value, value);
        }
        copy
    }

    fn image(&self, value: Value) -> Value {
        self.images.get(&value).copied().unwrap_or(value)
    }

    fn bind(&mut self, old: &[Value], new: &[Value]) {
        self.images
            .extend(old.iter().copied().zip(new.iter().copied()));
    }

    fn translated(&self, node: &Node) -> Node {
        node.map_operands(&mut |value| self.image(value))
    }

    /// Adds a node in place of an old one.
    fn add(&mut self, old: &Graph, data: &NodeData, node: Node) {
        let types = data
            .results
            .iter()
            .map(|&value| old.ty(value).clone())
            .collect();
        let results = self.graph.add(node, types, data.origin);
        self.bind(&data.results, &results);
    }

    fn finish(mut self, outputs: &[Value]) -> Graph {
        self.graph.outputs = outputs.iter().map(|&value| self.image(value)).collect();
        self.graph
    }
}

/// Whether gradients flow through values of a type.
fn has_gradient(dtype: DType) -> bool {
    dtype.is_float()
}
