//! Dead code elimination: nodes that no output needs vanish; so do the states, stacks and captured values of a scan that nobody needs.
//!
//! before: `v1 = ...; v2 = f(v1); v3 = g(v1); return v3`   after: `v1 = ...; v3 = g(v1); return v3`
//!
//! Inputs stay, since their numbers are the graph's interface. A scan's states are kept whole: one may feed another.
use super::rewrite::{Rewriter, in_bodies};
use crate::tir::{Graph, Node, Scan, Value};
use rustc_hash::FxHashSet;

/// The pass.
pub fn dce(graph: &Graph) -> Graph {
    let live = live_values(graph);
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph.nodes() {
        if !data.results.iter().any(|value| live.contains(value)) {
            continue;
        }
        match &data.node {
            Node::Scan(scan) => prune_scan(&mut rewriter, graph, data, scan, &live),
            _ => rewriter.copy(graph, data),
        }
    }
    rewriter.finish(graph)
}

fn live_values(graph: &Graph) -> FxHashSet<Value> {
    let mut live: FxHashSet<Value> = graph.outputs.iter().copied().collect();
    for (_, data) in graph.nodes().rev() {
        if data.results.iter().any(|value| live.contains(value)) {
            live.extend(data.node.operands());
        }
    }
    live
}

fn prune_scan(
    rewriter: &mut Rewriter,
    graph: &Graph,
    data: &crate::tir::NodeData,
    scan: &Scan,
    live: &FxHashSet<Value>,
) {
    let states = scan.states.len();
    let kept: Vec<usize> = (0..scan.stacks.len())
        .filter(|&stack| live.contains(&data.results[states + stack]))
        .collect();
    let mut pruned = scan.clone();
    pruned.stacks = kept.iter().map(|&stack| scan.stacks[stack]).collect();
    let outputs = &scan.body.outputs;
    pruned.body.outputs = outputs[..states]
        .iter()
        .copied()
        .chain(kept.iter().map(|&stack| outputs[states + stack]))
        .collect();
    *pruned.body = dce(&pruned.body);
    drop_unread_inputs(&mut pruned);
    let node = in_bodies(&rewriter.translated(&Node::Scan(pruned)), Graph::clone);
    let results: Vec<Value> = (0..states)
        .chain(kept.iter().map(|&stack| states + stack))
        .map(|at| data.results[at])
        .collect();
    let types = results
        .iter()
        .map(|&value| graph.ty(value).clone())
        .collect();
    let new = rewriter.graph.add(node, types, data.origin);
    results
        .into_iter()
        .zip(new)
        .for_each(|(old, new)| rewriter.set(old, new));
}

/// Drops sequences and captured values that the body does not read.
fn drop_unread_inputs(scan: &mut Scan) {
    let mut read: FxHashSet<Value> = scan.body.outputs.iter().copied().collect();
    scan.body
        .nodes()
        .for_each(|(_, data)| read.extend(data.node.operands()));
    let first = 1 + scan.states.len();
    let kept: Vec<bool> = scan
        .body
        .inputs
        .iter()
        .enumerate()
        .map(|(at, input)| at < first || read.contains(&input.value))
        .collect();
    if kept.iter().all(|&keep| keep) {
        return;
    }
    let sequences = scan.sequences.len();
    let keep_from = |start: usize, count: usize| {
        (0..count)
            .filter(|&at| kept[start + at])
            .collect::<Vec<usize>>()
    };
    scan.sequences = keep_from(first, sequences)
        .iter()
        .map(|&at| scan.sequences[at])
        .collect();
    scan.captured = keep_from(first + sequences, scan.captured.len())
        .iter()
        .map(|&at| scan.captured[at])
        .collect();
    let old = (*scan.body).clone();
    let mut rewriter = Rewriter::default();
    for (_, input) in old.inputs.iter().enumerate().filter(|(at, _)| kept[*at]) {
        let value = rewriter.graph.input(input.name.clone(), input.ty.clone());
        rewriter.set(input.value, value);
    }
    old.nodes().for_each(|(_, data)| rewriter.copy(&old, data));
    *scan.body = rewriter.finish(&old);
}
