//! Copying a graph node by node, changing some of them: the frame of most passes.
use crate::base::source::Span;
use crate::base::types::Type;
use crate::tir::{Comprehension, Graph, Node, NodeData, Value};
use rustc_hash::FxHashMap;

/// The graph being made, and what each value of the old graph has become in it.
#[derive(Default)]
pub struct Rewriter {
    /// The new graph.
    pub graph: Graph,
    image: FxHashMap<Value, Value>,
}

impl Rewriter {
    /// Starts with the inputs of the old graph, so that they keep their numbers.
    pub fn new(old: &Graph) -> Rewriter {
        let mut rewriter = Rewriter::default();
        for input in &old.inputs {
            let value = rewriter.graph.input(input.name.clone(), input.ty.clone());
            rewriter.image.insert(input.value, value);
        }
        rewriter
    }

    /// What an old value has become.
    pub fn image(&self, old: Value) -> Value {
        self.image.get(&old).copied().unwrap_or(old)
    }

    /// Says what an old value has become.
    pub fn set(&mut self, old: Value, new: Value) {
        self.image.insert(old, new);
    }

    /// The old node with its operands replaced by their images.
    pub fn translated(&self, node: &Node) -> Node {
        node.map_operands(&mut |value| self.image(value))
    }

    /// Adds a node in place of an old one, with results of the same types.
    pub fn replace(&mut self, old: &Graph, data: &NodeData, node: Node) {
        let types: Vec<Type> = data
            .results
            .iter()
            .map(|&value| old.ty(value).clone())
            .collect();
        let results = self.graph.add(node, types, data.origin);
        for (&old_value, new_value) in data.results.iter().zip(results) {
            self.set(old_value, new_value);
        }
    }

    /// Copies a node.
    pub fn copy(&mut self, old: &Graph, data: &NodeData) {
        if !matches!(data.node, Node::Input(_)) {
            let node = self.translated(&data.node);
            self.replace(old, data, node);
        }
    }

    /// Adds a comprehension.
    pub fn comprehension(&mut self, comprehension: Comprehension, origin: Span) -> Value {
        self.graph.comprehension(comprehension, origin)
    }

    /// The new graph, with the old one's outputs.
    pub fn finish(mut self, old: &Graph) -> Graph {
        self.graph.outputs = old.outputs.iter().map(|&value| self.image(value)).collect();
        self.graph
    }
}

/// Applies a pass to the bodies of scans, inside out, leaving the rest as it is.
pub fn in_bodies(node: &Node, pass: fn(&Graph) -> Graph) -> Node {
    match node {
        Node::Scan(scan) => {
            let mut scan = scan.clone();
            *scan.body = pass(&scan.body);
            Node::Scan(scan)
        }
        Node::Input(_)
        | Node::Constant(_)
        | Node::Comprehension(_)
        | Node::Reshape(_)
        | Node::Concat(..)
        | Node::Scatter(_)
        | Node::Region(_)
        | Node::Gradient { .. }
        | Node::StopGradient(_) => node.clone(),
    }
}

/// How many reads (and other uses, outputs included) each value has.
pub fn use_counts(graph: &Graph) -> FxHashMap<Value, usize> {
    let mut counts: FxHashMap<Value, usize> = FxHashMap::default();
    for (_, data) in graph.nodes() {
        data.node
            .operands()
            .into_iter()
            .for_each(|value| *counts.entry(value).or_default() += 1);
    }
    graph
        .outputs
        .iter()
        .for_each(|&value| *counts.entry(value).or_default() += 1);
    counts
}
