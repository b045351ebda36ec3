//! The order in which nodes are emitted.
//!
//! It is the graph's own, but for three things. What makes a new version of a parameter in the place of the old one comes after every other
//! reader of that. The update of a parameter comes right behind the product that makes its gradient, the product waiting for what
//! else the update needs, so that the two can be one step (`finish`). And the kernels that make the terms of a sum over the rows of a large
//! tensor, which they read too, come right before it (`terms`).
use super::{Small, nest, terms};
use crate::pass::order::is_tiled;
use crate::tir::{Graph, Node, NodeId, Read, Subscript, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

type Readers = FxHashMap<Value, Vec<NodeId>>;

/// The order in which nodes are emitted, and which outputs may be written in place: the maker of an output that shares an input's storage
/// comes after every other reader of that input.
pub(super) fn emission(
    graph: &Graph,
    aliases: &[Option<u32>],
    small: Small,
) -> (Vec<NodeId>, Vec<bool>) {
    let mut readers = Readers::default();
    for (id, data) in graph.nodes() {
        data.node
            .operands()
            .into_iter()
            .for_each(|value| readers.entry(value).or_default().push(id));
    }
    let mut after: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
    let mut in_place = vec![false; graph.outputs.len()];
    for (number, &value) in graph.outputs.iter().enumerate() {
        let Some(input) = aliases.get(number).copied().flatten() else {
            continue;
        };
        let old = graph.inputs[input as usize].value;
        let maker = graph.definition(value);
        let views = views(graph, &readers, old);
        let used_once = graph
            .outputs
            .iter()
            .filter(|&output| *output == value || views.contains(output))
            .count()
            == 1;
        let others: Vec<NodeId> = views
            .iter()
            .flat_map(|view| readers.get(view).into_iter().flatten())
            .copied()
            .filter(|&id| id != maker)
            .collect();
        let reachable = descendants(graph, &readers, maker);
        if used_once
            && value != old
            && !others.iter().any(|id| reachable.contains(id))
            && reads_in_step(graph, maker, old, &views)
        {
            in_place[number] = true;
            after.entry(maker).or_default().extend(others);
        }
    }
    let mut together = updates(graph, &readers, small);
    sums_over_rows(graph, &readers, small, &mut together);
    let order = topological(graph, &after, &together);
    match order.or_else(|| topological(graph, &after, &FxHashMap::default())) {
        Some(order) => (order, in_place),
        None => (
            graph.nodes().map(|(id, _)| id).collect(),
            vec![false; graph.outputs.len()],
        ),
    }
}

/// For each node that updates a parameter and is one of the readers of a gradient, all of which do: the product that makes the gradient.
fn updates(graph: &Graph, readers: &Readers, small: Small) -> FxHashMap<NodeId, NodeId> {
    let mut together = FxHashMap::default();
    for (id, data) in graph.nodes() {
        let Node::Comprehension(c) = &data.node else {
            continue;
        };
        let value = data.results[0];
        let members = readers.get(&value).map_or(&[][..], Vec::as_slice);
        if !is_tiled(c)
            || small.is_small(graph, c)
            || members.is_empty()
            || graph.outputs.contains(&value)
        {
            continue;
        }
        let made_of_it = descendants(graph, readers, id);
        let takes = |member: &NodeId| {
            let data = graph.node(*member);
            let Node::Comprehension(reader) = &data.node else {
                return false;
            };
            let mut gradients = reader.reads.iter().filter(|read| read.value == value);
            reader.reducer.is_none()
                && reader.shape == c.shape
                && gradients.all(nest::is_identity)
                && graph.outputs.contains(&data.results[0])
                && !together.contains_key(member)
                && reader.reads.iter().all(|read| {
                    let maker = graph.definition(read.value);
                    maker == id || members.contains(&maker) || !made_of_it.contains(&maker)
                })
        };
        if members.iter().all(takes) {
            together.extend(members.iter().map(|&member| (member, id)));
        }
    }
    together
}

/// Adds, for each product that sums over the rows of a large tensor, the kernels that make its other operand row by row from that tensor.
fn sums_over_rows(
    graph: &Graph,
    readers: &Readers,
    small: Small,
    together: &mut FxHashMap<NodeId, NodeId>,
) {
    for (id, data) in graph.nodes() {
        let Node::Comprehension(c) = &data.node else {
            continue;
        };
        let ([rows], true, Some((a, b))) = (&c.reduce[..], is_tiled(c), c.as_product()) else {
            continue;
        };
        if small.is_small(graph, c) || together.contains_key(&id) {
            continue;
        }
        let (a, b) = (&c.reads[a as usize], &c.reads[b as usize]);
        for (large, made) in [(a, b), (b, a)] {
            let bytes = graph.ty(large.value).bytes();
            let by_rows = |read| leads(read, c.shape.len());
            if bytes < terms::WORTH_BYTES || !by_rows(large) || !by_rows(made) {
                continue;
            }
            let mut makers = Vec::new();
            makers_of_rows(graph, made.value, *rows, &mut makers);
            let reads_large =
                |maker: &NodeId| graph.node(*maker).node.operands().contains(&large.value);
            let made_of_them: FxHashSet<NodeId> = makers
                .iter()
                .flat_map(|&maker| descendants(graph, readers, maker))
                .collect();
            // With the updates behind the product they are emitted as one, so nothing else may come between two of them.
            let updates = together.iter().filter(|(_, head)| **head == id);
            let updates = updates.map(|(member, _)| *member);
            let all: Vec<NodeId> = makers.iter().copied().chain([id]).chain(updates).collect();
            let waits = |node: &NodeId| {
                let operands = graph.node(*node).node.operands().into_iter();
                let mut before = operands.map(|value| graph.definition(value));
                before.all(|maker| all.contains(&maker) || !made_of_them.contains(&maker))
            };
            if makers.iter().any(reads_large)
                && all.iter().all(waits)
                && !makers.iter().any(|maker| together.contains_key(maker))
            {
                together.extend(makers.into_iter().map(|maker| (maker, id)));
                break;
            }
        }
    }
}

/// Whether an index walks the first dimension of a read, and nothing else of it.
fn leads(read: &Read, index: usize) -> bool {
    let mut subscripts = read.subscripts.iter();
    let first = subscripts.next().and_then(Subscript::as_affine);
    read.guard.is_always()
        && first.is_some_and(|affine| affine.as_index() == Some(index))
        && subscripts.all(|rest| rest.as_affine().is_some_and(|e| e.coefficient(index) == 0))
}

/// The kernels of so many rows that make a value row by row.
fn makers_of_rows(graph: &Graph, value: Value, rows: usize, makers: &mut Vec<NodeId>) {
    let id = graph.definition(value);
    let Node::Comprehension(c) = &graph.node(id).node else {
        return;
    };
    let read_by_rows = |read: &Read| {
        let still =
            |subscript: &Subscript| subscript.as_affine().is_some_and(|e| e.coefficient(0) == 0);
        leads(read, 0) || (read.guard.is_always() && read.subscripts.iter().all(still))
    };
    if c.shape.first() != Some(&rows)
        || is_tiled(c)
        || makers.contains(&id)
        || !c.reads.iter().all(read_by_rows)
    {
        return;
    }
    makers.push(id);
    for read in c.reads.iter().filter(|read| leads(read, 0)) {
        makers_of_rows(graph, read.value, rows, makers);
    }
}

fn descendants(graph: &Graph, readers: &Readers, from: NodeId) -> FxHashSet<NodeId> {
    let mut found = FxHashSet::default();
    let mut pending = vec![from];
    while let Some(id) = pending.pop() {
        for value in &graph.node(id).results {
            for &reader in readers.get(value).into_iter().flatten() {
                if found.insert(reader) {
                    pending.push(reader);
                }
            }
        }
    }
    found
}

/// A value and the reshapes of it, which lie in its place.
fn views(graph: &Graph, readers: &Readers, value: Value) -> Vec<Value> {
    let mut found = vec![value];
    let mut at = 0;
    while let Some(view) = found.get(at).copied() {
        let readers = readers.get(&view).into_iter().flatten();
        let reshapes = readers.map(|&id| graph.node(id));
        let reshapes = reshapes.filter(|data| matches!(data.node, Node::Reshape(_)));
        found.extend(reshapes.flat_map(|data| &data.results));
        at += 1;
    }
    found
}

/// Whether the maker of a new version reads the old one, if at all, only at the element that it writes, and not as another shape.
fn reads_in_step(graph: &Graph, maker: NodeId, old: Value, views: &[Value]) -> bool {
    match &graph.node(maker).node {
        Node::Comprehension(c) => c
            .reads
            .iter()
            .filter(|read| views.contains(&read.value))
            .all(|read| c.reducer.is_none() && read.value == old && nest::is_identity(read)),
        Node::Scatter(_)
        | Node::Concat(..)
        | Node::Scan(_)
        | Node::Region(_)
        | Node::Reshape(_) => false,
        Node::Input(_) | Node::Constant(_) | Node::Gradient { .. } | Node::StopGradient(_) => false,
    }
}

/// Kahn's algorithm with the original order as priority, what is `together` with a node right behind it; `None` where the further edges
/// make a cycle.
fn topological(
    graph: &Graph,
    after: &FxHashMap<NodeId, Vec<NodeId>>,
    together: &FxHashMap<NodeId, NodeId>,
) -> Option<Vec<NodeId>> {
    let all: Vec<NodeId> = graph.nodes().map(|(id, _)| id).collect();
    let before = |id: NodeId| -> Vec<NodeId> {
        let operands = graph.node(id).node.operands().into_iter();
        let makers = operands.map(|value| graph.definition(value));
        makers
            .chain(after.get(&id).into_iter().flatten().copied())
            .collect()
    };
    let head = |id: NodeId| together.get(&id).copied().unwrap_or(id);
    let mut members: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
    for &id in &all {
        members.entry(head(id)).or_default().push(id);
    }
    let heads: Vec<NodeId> = all.iter().copied().filter(|&id| head(id) == id).collect();
    let order = kahn(&heads, &|id| {
        let nodes = members.get(&id).into_iter().flatten();
        let before = nodes.flat_map(|&node| before(node)).map(head);
        before.filter(|&other| other != id).collect()
    })?;
    let mut whole = Vec::with_capacity(all.len());
    for id in order {
        match members.get(&id).map_or(&[][..], Vec::as_slice) {
            [] | [_] => whole.push(id),
            nodes => whole.extend(kahn(nodes, &|node| {
                let inside = before(node).into_iter();
                inside.filter(|other| nodes.contains(other)).collect()
            })?),
        }
    }
    Some(whole)
}

/// Nodes in an order in which each comes after those before it, in the given order where that leaves a choice.
fn kahn(nodes: &[NodeId], before: &dyn Fn(NodeId) -> Vec<NodeId>) -> Option<Vec<NodeId>> {
    let mut missing: FxHashMap<NodeId, usize> = FxHashMap::default();
    let mut unlocks: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
    for &id in nodes {
        let earlier = before(id);
        missing.insert(id, earlier.len());
        for other in earlier {
            unlocks.entry(other).or_default().push(id);
        }
    }
    let mut ready: BTreeSet<NodeId> = nodes
        .iter()
        .copied()
        .filter(|id| missing.get(id) == Some(&0))
        .collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(id) = ready.pop_first() {
        order.push(id);
        for &next in unlocks.get(&id).into_iter().flatten() {
            let left = missing.entry(next).or_default();
            *left -= 1;
            if *left == 0 {
                ready.insert(next);
            }
        }
    }
    (order.len() == nodes.len()).then_some(order)
}
