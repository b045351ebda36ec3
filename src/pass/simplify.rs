//! Exact simplification inside comprehensions, node by node: the rewrites are those of [`crate::ops::simplify`], and keep every bit.
use super::rewrite::{Rewriter, in_bodies};
pub use crate::ops::simplify::comprehension;
use crate::ops::simplify::scatter;
pub use crate::tir::build::compact;
use crate::tir::{Graph, Node};

/// The pass.
pub fn simplify(graph: &Graph) -> Graph {
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), simplify);
        let node = match node {
            Node::Comprehension(c) => Node::Comprehension(comprehension(&rewriter.graph, c)),
            Node::Scatter(s) => Node::Scatter(scatter(&rewriter.graph, s)),
            other => other,
        };
        rewriter.replace(graph, data, node);
    }
    rewriter.finish(graph)
}
