//! The walk: from seeds backward through the nodes, collecting contributions to cotangents.
use super::comprehension::{self, Contributions};
use super::{has_gradient, scan};
use crate::base::source::Span;
use crate::base::types::Type;
use crate::tir::build::map;
use crate::tir::{Body, Graph, Inst, Node, NodeData, NodeId, Op, Value};
use rustc_hash::FxHashMap;

/// Contributions to the cotangent of each source, in the order of the source's readers, given cotangents of some values (the seeds).
/// New nodes are added at the end of the graph; scans may be extended in place by further stacks.
pub(super) fn reverse(
    graph: &mut Graph,
    seeds: &[(Value, Value)],
    sources: &[Value],
) -> Result<Vec<Vec<Value>>, String> {
    let active = active_values(graph, sources);
    let mut walk = Walk {
        collected: FxHashMap::default(),
    };
    for &(value, cotangent) in seeds {
        if active[value.as_u32() as usize] {
            walk.collected
                .entry(value)
                .or_default()
                .push(vec![cotangent]);
        }
    }
    let is_active = |value: Value| active.get(value.as_u32() as usize).copied() == Some(true);
    let nodes: Vec<NodeId> = graph.nodes().map(|(id, _)| id).collect();
    for &id in nodes.iter().rev() {
        let reached = {
            let data = graph.node(id);
            data.results
                .iter()
                .any(|value| walk.collected.contains_key(value))
                && data.node.operands().into_iter().any(is_active)
        };
        if reached {
            let data = graph.node(id).clone();
            let cotangents: Vec<Option<Value>> = data
                .results
                .iter()
                .map(|&value| walk.total(graph, value, data.origin))
                .collect();
            walk.visit(graph, id, &data, &cotangents, &is_active)?;
        }
    }
    Ok(sources
        .iter()
        .map(|&source| walk.in_order(source))
        .collect())
}

/// Which values depend on a source through floats and without a barrier.
fn active_values(graph: &Graph, sources: &[Value]) -> Vec<bool> {
    let mut active = vec![false; graph.value_count()];
    for &source in sources {
        active[source.as_u32() as usize] = has_gradient(graph.ty(source).dtype);
    }
    for (_, data) in graph.nodes() {
        let barrier = matches!(data.node, Node::StopGradient(_));
        let depends = !barrier
            && data
                .node
                .operands()
                .iter()
                .any(|value| active[value.as_u32() as usize]);
        if depends {
            for &result in &data.results {
                active[result.as_u32() as usize] |= has_gradient(graph.ty(result).dtype);
            }
        }
    }
    active
}

struct Walk {
    /// For each value groups of contributions, one group a reader, the last reader first.
    collected: FxHashMap<Value, Vec<Vec<Value>>>,
}

impl Walk {
    fn in_order(&self, value: Value) -> Vec<Value> {
        self.collected
            .get(&value)
            .map(|groups| groups.iter().rev().flatten().copied().collect())
            .unwrap_or_default()
    }

    /// The cotangent of a value all of whose readers have been visited.
    fn total(&mut self, graph: &mut Graph, value: Value, origin: Span) -> Option<Value> {
        let total = sum(graph, &self.in_order(value), origin)?;
        self.collected.insert(value, vec![vec![total]]);
        Some(total)
    }

    fn visit(
        &mut self,
        graph: &mut Graph,
        id: NodeId,
        data: &NodeData,
        cotangents: &[Option<Value>],
        active: &dyn Fn(Value) -> bool,
    ) -> Result<(), String> {
        let contributions = match (&data.node, cotangents) {
            (Node::Comprehension(c), &[Some(cotangent)]) => {
                comprehension::of_comprehension(graph, c, cotangent, active, data.origin)?
            }
            (Node::Scatter(s), &[Some(cotangent)]) => {
                comprehension::of_scatter(graph, s, cotangent, active, data.origin)?
            }
            (Node::Reshape(value), &[Some(cotangent)]) => {
                vec![(*value, reshaped(graph, cotangent, *value, data.origin))]
            }
            (Node::Concat(values, axis), &[Some(cotangent)]) => {
                slices(graph, cotangent, values, *axis, active, data.origin)
            }
            (Node::Scan(s), cotangents) => scan::of_scan(graph, id, s, data, cotangents, active)?,
            (Node::Region(_) | Node::Gradient { .. }, _) => {
                return Err(format!("{id} has no gradient: it must not be there yet"));
            }
            (
                Node::Input(_)
                | Node::Constant(_)
                | Node::StopGradient(_)
                | Node::Comprehension(_)
                | Node::Scatter(_)
                | Node::Reshape(_)
                | Node::Concat(..),
                _,
            ) => Vec::new(),
        };
        let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
        for (operand, contribution) in contributions {
            match groups.iter_mut().find(|(value, _)| *value == operand) {
                Some((_, group)) => group.push(contribution),
                None => groups.push((operand, vec![contribution])),
            }
        }
        for (operand, group) in groups {
            self.collected.entry(operand).or_default().push(group);
        }
        Ok(())
    }
}

fn reshaped(graph: &mut Graph, cotangent: Value, like: Value, origin: Span) -> Value {
    let ty: Type = graph.ty(like).clone();
    match *graph.ty(cotangent) == ty {
        true => cotangent,
        false => graph.add(Node::Reshape(cotangent), vec![ty], origin)[0],
    }
}

fn slices(
    graph: &mut Graph,
    cotangent: Value,
    values: &[Value],
    axis: usize,
    active: &dyn Fn(Value) -> bool,
    origin: Span,
) -> Contributions {
    let mut start = 0;
    let mut contributions = Vec::new();
    for &value in values {
        let length = graph.ty(value).shape[axis];
        if active(value) {
            let part = comprehension::slice(graph, cotangent, value, axis, start, origin);
            contributions.push((value, part));
        }
        start += length;
    }
    contributions
}

/// The sum of values of one type, from left to right; `None` of none.
pub(super) fn sum(graph: &mut Graph, values: &[Value], origin: Span) -> Option<Value> {
    let &[first, _, ..] = values else {
        return values.first().copied();
    };
    let Type { dtype, shape } = graph.ty(first).clone();
    let reads = values
        .iter()
        .map(|&value| graph.broadcast_read(value, &shape))
        .collect();
    let mut body = Body::default();
    let mut total = body.push(Inst::Read(0));
    for read in 1..values.len() as u32 {
        let next = body.push(Inst::Read(read));
        total = body.op(Op::Add, &[total, next]);
    }
    body.result = total;
    Some(graph.comprehension(map(&shape, reads, body, dtype), origin))
}
