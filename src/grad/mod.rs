//! Reverse mode: graph to graph. Every `gradient` node becomes ordinary nodes, `stop_gradient` vanishes.
//!
//! A comprehension's gradient with respect to one of its reads is a comprehension again: its body is differentiated ([`cell`]), the
//! access is turned round ([`turn`]). A scan's gradient is a scan that walks the other way ([`scan`]), after which the sums over turns
//! leave it. Gradients stand in node order, so that gradients of gradients find only ordinary nodes before them.
mod cell;
mod flow;
#[cfg(test)]
mod kinds;
mod lift;
mod reverse;
mod scan;
#[cfg(test)]
mod tests;
mod turn;

use crate::base::types::Type;
use crate::tir::{Graph, Node, NodeData, Value};
use rustc_hash::FxHashMap;

/// Most operations of a graph with its gradients. Each further order of a gradient multiplies them.
pub const MOST_OPERATIONS: usize = 500_000;
/// The error of a graph that has more.
pub const TOO_LARGE: &str = "a step with its gradients has more than 500000 operations";
/// What [`expand`] says of a maximum, minimum or product over more terms than an `i32` numbers, which its gradient tells apart.
pub const TOO_MANY_TERMS: &str =
    "the gradient of a maximum, minimum or product over more than 2^31 terms";

/// The graph with every gradient written out and no `stop_gradient`; inputs and outputs keep their numbers.
///
/// # Errors
/// The gradient of what is no float scalar, and of a fused region (differentiation comes before fusion).
pub fn expand(graph: &Graph) -> Result<Graph, String> {
    Ok(without_stops(&expanded(graph)?))
}

/// A graph being copied: the copy, and what the old values have become.
struct Copy {
    graph: Graph,
    image: FxHashMap<Value, Value>,
}

impl Copy {
    fn new(old: &Graph) -> Copy {
        let mut copy = Copy {
            graph: Graph::new(),
            image: FxHashMap::default(),
        };
        for input in &old.inputs {
            let value = copy.graph.input(input.name.clone(), input.ty.clone());
            copy.image.insert(input.value, value);
        }
        copy
    }

    fn image(&self, value: Value) -> Value {
        self.image.get(&value).copied().unwrap_or(value)
    }

    fn images(&self, values: &[Value]) -> Vec<Value> {
        values.iter().map(|&value| self.image(value)).collect()
    }

    fn set(&mut self, old: &[Value], new: &[Value]) {
        self.image
            .extend(old.iter().copied().zip(new.iter().copied()));
    }

    /// Adds a node in place of an old one; the operands are the new ones already.
    fn replace(&mut self, old: &Graph, data: &NodeData, node: Node) {
        let types: Vec<Type> = data
            .results
            .iter()
            .map(|&value| old.ty(value).clone())
            .collect();
        let new = self.graph.add(node, types, data.origin);
        self.set(&data.results, &new);
    }

    fn translated(&self, node: &Node) -> Node {
        node.map_operands(&mut |value| self.image(value))
    }

    fn finish(mut self, old: &Graph) -> Graph {
        self.graph.outputs = self.images(&old.outputs);
        self.graph
    }
}

fn expanded(old: &Graph) -> Result<Graph, String> {
    let mut copy = Copy::new(old);
    let mut size = Size::default();
    for (id, data) in old.nodes() {
        match copy.translated(&data.node) {
            Node::Input(_) => {}
            Node::Gradient {
                of,
                with_respect_to,
            } => {
                let ty = copy.graph.ty(of);
                if !ty.shape.is_empty() || !ty.dtype.is_float() {
                    return Err(format!(
                        "{id}: the gradient of {of}: {ty}, which is no float scalar"
                    ));
                }
                gradient(&mut copy, data, of, &with_respect_to)?;
            }
            Node::Scan(mut scan) => {
                *scan.body = expanded(&scan.body)?;
                copy.replace(old, data, Node::Scan(scan));
            }
            node => copy.replace(old, data, node),
        }
        size.of(&copy.graph)?;
    }
    Ok(copy.finish(old))
}

/// How large a graph is that only grows: each of its nodes is counted once.
#[derive(Debug, Default)]
struct Size {
    nodes: usize,
    operations: usize,
}

impl Size {
    /// Counts what has been added.
    ///
    /// # Errors
    /// More than [`MOST_OPERATIONS`].
    fn of(&mut self, graph: &Graph) -> Result<(), String> {
        let added = graph.nodes_since(self.nodes);
        self.operations += added.map(|data| data.node.operations()).sum::<usize>();
        self.nodes = graph.node_count();
        if self.operations > MOST_OPERATIONS {
            return Err(TOO_LARGE.into());
        }
        Ok(())
    }
}

/// Adds the gradients of one scalar.
fn gradient(copy: &mut Copy, data: &NodeData, of: Value, wanted: &[Value]) -> Result<(), String> {
    let graph = std::mem::take(&mut copy.graph);
    let mut reverse = reverse::Reverse::new(&graph, &[of], wanted)?;
    for value in copy.image.values_mut() {
        *value = reverse.image(*value);
    }
    let of = reverse.image(of);
    let dtype = reverse.graph.ty(of).dtype;
    let one = reverse.graph.splat(dtype, 1.0, &[], data.origin);
    reverse.seed(of, one);
    reverse.run()?;
    let gradients: Vec<Value> = wanted
        .iter()
        .map(|&value| {
            let value = reverse.image(value);
            reverse.total_or_zero(value, data.origin)
        })
        .collect();
    copy.graph = reverse.graph;
    copy.set(&data.results, &gradients);
    Ok(())
}

fn without_stops(old: &Graph) -> Graph {
    let mut copy = Copy::new(old);
    for (_, data) in old.nodes() {
        match copy.translated(&data.node) {
            Node::Input(_) => {}
            Node::StopGradient(value) => copy.set(&data.results, &[value]),
            Node::Scan(mut scan) => {
                *scan.body = without_stops(&scan.body);
                copy.replace(old, data, Node::Scan(scan));
            }
            node => copy.replace(old, data, node),
        }
    }
    copy.finish(old)
}
