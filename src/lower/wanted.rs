//! Decides, before anything is emitted, where some values are to be made: outputs in their storage, parts of a concat in their slice of
//! the whole, operands of a reshape where the result is wanted. Only a value with one reader can be wanted.
use super::place::{Place, reshaped_strides};
use super::{Lowering, Scope};
use crate::kir::schedule::Base;
use crate::pass::rewrite::use_counts;
use crate::tir::{Graph, Node, Value};

/// Outputs that may be written directly.
pub fn outputs(
    lowering: &mut Lowering,
    scope: &mut Scope,
    graph: &Graph,
    aliases: &[Option<u32>],
    in_place: &[bool],
) {
    for (number, &value) in graph.outputs.iter().enumerate() {
        let aliased = aliases.get(number).copied().flatten().is_some();
        let placed = scope.wanted.contains_key(&value);
        if placed
            || !can_be_made_there(&graph.defining(value).node)
            || (aliased && !in_place[number])
        {
            continue;
        }
        let ty = graph.ty(value);
        let buffer = lowering.fixed_buffer(Base::Output(number as u32), ty, "output");
        scope.wanted.insert(value, Place::dense(buffer, ty));
    }
}

/// Passes wants on from results to operands.
pub fn propagate(lowering: &mut Lowering, scope: &mut Scope, graph: &Graph) {
    let uses = use_counts(graph);
    let single = |value: Value| uses.get(&value).copied().unwrap_or(0) == 1;
    for (_, data) in graph.nodes().rev() {
        let result = data.results[0];
        match &data.node {
            Node::Concat(parts, axis) => {
                let ty = graph.ty(result);
                let whole = match scope.wanted.get(&result) {
                    Some(place) => place.clone(),
                    None => {
                        let buffer = lowering.arena_buffer(ty.bytes(), result.to_string());
                        Place::dense(buffer, ty)
                    }
                };
                scope.wanted.insert(result, whole.clone());
                let mut start = 0;
                for &part in parts {
                    if single(part) && can_be_made_there(&graph.defining(part).node) {
                        scope.wanted.insert(part, whole.slice(*axis, start));
                    }
                    start += graph.ty(part).shape[*axis];
                }
            }
            Node::Reshape(source) => {
                let Some(place) = scope.wanted.get(&result).cloned() else {
                    continue;
                };
                let strides = reshaped_strides(
                    &graph.ty(result).shape,
                    &place.strides,
                    &graph.ty(*source).shape,
                );
                if let (true, true, Some(strides)) = (
                    single(*source),
                    can_be_made_there(&graph.defining(*source).node),
                    strides,
                ) {
                    scope.wanted.insert(*source, Place { strides, ..place });
                }
            }
            Node::Input(_)
            | Node::Constant(_)
            | Node::Comprehension(_)
            | Node::Scatter(_)
            | Node::Scan(_)
            | Node::Region(_)
            | Node::Gradient { .. }
            | Node::StopGradient(_) => {}
        }
    }
}

/// Whether lowering a node of this kind can put its (first) result at a given place without a copy.
pub fn can_be_made_there(node: &Node) -> bool {
    match node {
        Node::Comprehension(_) | Node::Concat(..) | Node::Reshape(_) => true,
        Node::Input(_)
        | Node::Constant(_)
        | Node::Scatter(_)
        | Node::Scan(_)
        | Node::Region(_)
        | Node::Gradient { .. }
        | Node::StopGradient(_) => false,
    }
}
