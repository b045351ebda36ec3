//! Gives each reduction its order, by its shape and accesses alone: `lanes` where the last reduction index walks along memory and no free
//! index does (full reductions, row sums, dot products), else `chain`, in which a free index is vectorised.
use super::rewrite::{Rewriter, in_bodies};
use crate::tir::{Comprehension, Graph, Node, Order, Subscript};

/// The pass.
pub fn order(graph: &Graph) -> Graph {
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let mut node = in_bodies(&rewriter.translated(&data.node), order);
        if let Node::Comprehension(c) = &mut node {
            c.order = order_of(c);
        }
        rewriter.replace(graph, data, node);
    }
    rewriter.finish(graph)
}

/// The order of one comprehension.
pub fn order_of(c: &Comprehension) -> Order {
    let Some(&last_extent) = c.reduce.last() else {
        return Order::Chain;
    };
    if is_tiled(c) || last_extent < 16 {
        return Order::Chain;
    }
    let last = c.extents().len() - 1;
    let (mut along_reduction, mut along_free) = (false, false);
    for read in &c.reads {
        if let Some(Subscript::Affine(affine)) = read.subscripts.last() {
            along_reduction |= affine.coefficient(last).abs() == 1;
            along_free |= affine
                .terms()
                .any(|(index, c_)| index < c.shape.len() && c_.abs() == 1 && c.shape[index] >= 8);
        }
    }
    if along_reduction && !along_free {
        Order::Lanes
    } else {
        Order::Chain
    }
}

/// Multiply-adds from which a vector times a matrix is worth a tile.
const LARGE_VECTOR_PRODUCT: usize = 4096;

/// Whether a comprehension is work for the register tile: a contraction whose two operands each have a free index of their own, or a
/// large one of a vector and a matrix whose free index lies along memory.
pub fn is_tiled(c: &Comprehension) -> bool {
    let Some((a, b)) = c.as_product() else {
        return false;
    };
    let moves = |read: u32, index: usize| {
        c.reads[read as usize]
            .subscripts
            .iter()
            .any(|subscript| match subscript {
                Subscript::Affine(affine) => affine.coefficient(index) != 0,
                Subscript::Gather(_) => true,
            })
    };
    let own = |x: u32, y: u32| {
        (0..c.shape.len()).any(|index| c.shape[index] > 1 && moves(x, index) && !moves(y, index))
    };
    if own(a, b) && own(b, a) {
        return true;
    }
    let along_memory = |x: u32, y: u32| {
        let last = c.reads[x as usize].subscripts.last();
        matches!(last, Some(Subscript::Affine(affine)) if affine.terms().any(|(index, step)| {
            step == 1 && index < c.shape.len() && c.shape[index] >= 16 && !moves(y, index)
        }))
    };
    let points: usize = c.extents().iter().product();
    points >= LARGE_VECTOR_PRODUCT && (along_memory(a, b) || along_memory(b, a))
}
