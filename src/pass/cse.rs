//! Common subexpression elimination: a node equal to an earlier one becomes that one. Random numbers are functions of their counters, so
//! they may be shared like any value.
//!
//! before: `v1 = f(v0); v2 = f(v0); v3 = g(v1, v2)`   after: `v1 = f(v0); v3 = g(v1, v1)`
use super::rewrite::{Rewriter, in_bodies};
use crate::base::types::Type;
use crate::tir::{Comprehension, Graph, Node, Scatter, Value};
use rustc_hash::FxHashMap;

/// What makes two nodes equal.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Comprehension(Comprehension),
    Scatter(Scatter),
    Constant(Vec<u64>, Type),
    Reshape(Value, Vec<usize>),
    Concat(Vec<Value>, usize),
}

/// The pass.
pub fn cse(graph: &Graph) -> Graph {
    let mut rewriter = Rewriter::new(graph);
    let mut seen: FxHashMap<Key, Value> = FxHashMap::default();
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), cse);
        let Some(key) = key(&node, graph.ty(data.results[0])) else {
            rewriter.replace(graph, data, node);
            continue;
        };
        match seen.get(&key) {
            Some(&value) => rewriter.set(data.results[0], value),
            None => {
                rewriter.replace(graph, data, node);
                seen.insert(key, rewriter.image(data.results[0]));
            }
        }
    }
    rewriter.finish(graph)
}

fn key(node: &Node, ty: &Type) -> Option<Key> {
    match node {
        Node::Comprehension(c) => Some(Key::Comprehension(c.clone())),
        Node::Scatter(s) => Some(Key::Scatter(s.clone())),
        Node::Constant(elements) => Some(Key::Constant(
            elements.iter().map(|x| x.to_bits()).collect(),
            ty.clone(),
        )),
        Node::Reshape(value) => Some(Key::Reshape(*value, ty.shape.clone())),
        Node::Concat(values, axis) => Some(Key::Concat(values.clone(), *axis)),
        Node::Input(_)
        | Node::Scan(_)
        | Node::Region(_)
        | Node::Gradient { .. }
        | Node::StopGradient(_) => None,
    }
}
