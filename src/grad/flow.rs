//! Which values a gradient concerns: those that depend on what it is taken with respect to, and on which its scalar depends.
use crate::tir::{Graph, Node, NodeData, Scan, Value};
use rustc_hash::FxHashSet;

/// A set of values.
pub type Values = FxHashSet<Value>;

fn float(graph: &Graph, value: Value) -> bool {
    graph.ty(value).dtype.is_float()
}

/// The values that vary smoothly with the sources, these included.
pub fn varied(graph: &Graph, sources: &[Value]) -> Values {
    let mut varied: Values = sources
        .iter()
        .copied()
        .filter(|&value| float(graph, value))
        .collect();
    for (_, data) in graph.nodes() {
        let results: Vec<Value> = match &data.node {
            Node::Scan(scan) => varied_results(scan, data, &varied),
            Node::StopGradient(_) => Vec::new(),
            node if node.operands().iter().any(|value| varied.contains(value)) => {
                data.results.clone()
            }
            _ => Vec::new(),
        };
        varied.extend(results.into_iter().filter(|&value| float(graph, value)));
    }
    varied
}

fn varied_results(scan: &Scan, data: &NodeData, varied: &Values) -> Vec<Value> {
    let operands = data.node.operands();
    let flags: Vec<bool> = operands
        .iter()
        .map(|value| varied.contains(value))
        .collect();
    let inner = varied_body(scan, &flags);
    data.results
        .iter()
        .zip(&scan.body.outputs)
        .filter(|(_, output)| inner.contains(output))
        .map(|(&result, _)| result)
        .collect()
}

/// The values of a scan's body that vary, in any turn, with the operands that do.
pub fn varied_body(scan: &Scan, operands: &[bool]) -> Values {
    let inputs = &scan.body.inputs;
    let mut sources: Vec<Value> = operands
        .iter()
        .zip(&inputs[1..])
        .filter(|(varies, _)| **varies)
        .map(|(_, input)| input.value)
        .collect();
    loop {
        let varied = varied(&scan.body, &sources);
        let before = sources.len();
        for (at, output) in scan.body.outputs[..scan.states.len()].iter().enumerate() {
            let input = inputs[1 + at].value;
            if varied.contains(output) && !sources.contains(&input) {
                sources.push(input);
            }
        }
        if sources.len() == before {
            return varied;
        }
    }
}

/// The values on which the targets depend smoothly, these included.
pub fn useful(graph: &Graph, targets: &[Value]) -> Values {
    let mut useful: Values = targets
        .iter()
        .copied()
        .filter(|&value| float(graph, value))
        .collect();
    for (_, data) in graph.nodes().rev() {
        let operands = match &data.node {
            Node::StopGradient(_) => Vec::new(),
            Node::Scan(scan) => useful_operands(scan, data, &useful),
            node if data.results.iter().any(|value| useful.contains(value)) => node.operands(),
            _ => Vec::new(),
        };
        useful.extend(operands.into_iter().filter(|&value| float(graph, value)));
    }
    useful
}

fn useful_operands(scan: &Scan, data: &NodeData, useful: &Values) -> Vec<Value> {
    let flags: Vec<bool> = data
        .results
        .iter()
        .map(|value| useful.contains(value))
        .collect();
    let inner = useful_body(scan, &flags);
    scan.states
        .iter()
        .chain(scan.sequences.iter().map(|(value, _)| value))
        .chain(&scan.captured)
        .zip(&scan.body.inputs[1..])
        .filter(|(_, input)| inner.contains(&input.value))
        .map(|(&value, _)| value)
        .collect()
}

/// The values of a scan's body on which, in any turn, the results depend that are useful outside.
pub fn useful_body(scan: &Scan, results: &[bool]) -> Values {
    let outputs = &scan.body.outputs;
    let mut flags = results.to_vec();
    loop {
        let targets: Vec<Value> = outputs
            .iter()
            .zip(&flags)
            .filter(|(_, flag)| **flag)
            .map(|(&output, _)| output)
            .collect();
        let useful = useful(&scan.body, &targets);
        let mut grown = false;
        for (at, flag) in flags.iter_mut().take(scan.states.len()).enumerate() {
            if !*flag && useful.contains(&scan.body.inputs[1 + at].value) {
                (*flag, grown) = (true, true);
            }
        }
        if !grown {
            return useful;
        }
    }
}
