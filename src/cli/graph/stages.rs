//! A step as the compiler sees it: the nodes of its graph before or after a pass, or its kernels.
use super::picture::{Inner, Kind, Part, Picture, connect};
use crate::kir::schedule::{Schedule, Step};
use crate::tir::print::comprehension_text;
use crate::tir::{Body, Graph, Inst, Node, NodeData, Value};
use std::collections::HashMap;

/// The nodes of a graph.
pub fn nodes(graph: &Graph, outputs: &[String]) -> Picture {
    let mut parts = node_parts(graph);
    for (name, &value) in outputs.iter().zip(&graph.outputs) {
        parts.push(part(Kind::Border, vec![name.clone()], &[value], &[]));
    }
    connect(beside_readers(parts), &[], &[], &labels(graph))
}

/// A box of its own for each reader of an input or constant, just before it: lines through the whole picture say nothing.
fn beside_readers(parts: Vec<Part>) -> Vec<Part> {
    let is_source = |part: &Part| part.kind == Kind::Border && part.needs.is_empty();
    let (sources, others): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(is_source);
    let mut all = Vec::new();
    for part in others {
        let read = |source: &&Part| source.gives.iter().any(|value| part.needs.contains(value));
        all.extend(sources.iter().filter(read).cloned());
        all.push(part);
    }
    all
}

fn part(kind: Kind, lines: Vec<String>, needs: &[Value], gives: &[Value]) -> Part {
    Part {
        kind,
        lines,
        note: String::new(),
        needs: needs.to_vec(),
        gives: gives.to_vec(),
        inner: None,
    }
}

fn labels(graph: &Graph) -> HashMap<Value, String> {
    let values = graph.nodes().flat_map(|(_, data)| &data.results);
    values
        .map(|&value| (value, format!("{value}: {}", graph.ty(value))))
        .collect()
}

fn node_parts(graph: &Graph) -> Vec<Part> {
    let nodes = graph.nodes().map(|(_, data)| node_part(graph, data));
    nodes.collect()
}

fn node_part(graph: &Graph, data: &NodeData) -> Part {
    let mut part = part(
        Kind::Operation,
        Vec::new(),
        &data.node.operands(),
        &data.results,
    );
    part.lines = match &data.node {
        Node::Input(number) => {
            part.kind = Kind::Border;
            let input = graph.inputs.get(*number as usize);
            vec![input.map_or_else(String::new, |input| input.name.clone())]
        }
        Node::Constant(elements) => {
            part.kind = Kind::Border;
            match elements.as_slice() {
                [one] => vec![format!("{one}")],
                elements => vec![format!("{} constants", elements.len())],
            }
        }
        Node::Comprehension(c) => {
            part.note = comprehension_text(c);
            let over = format!("{:?}", c.reduce);
            if c.as_product().is_some() {
                part.kind = Kind::Product;
                vec![format!("contraction over {over}")]
            } else {
                let names = operators(&c.body);
                match c.reducer {
                    Some(reducer) => {
                        part.kind = Kind::Function;
                        let mut lines = vec![format!("{} over {over}", reducer.name())];
                        lines.extend((!names.is_empty()).then_some(names));
                        lines
                    }
                    None if names.is_empty() => vec!["view".into()],
                    None => vec![names],
                }
            }
        }
        Node::Reshape(_) => vec!["reshape".into()],
        Node::Concat(_, axis) => vec![format!("concat over {axis}")],
        Node::Scatter(s) => vec!["scatter".into(), operators(&s.body)],
        Node::Scan(scan) => {
            let mut inner = node_parts(&scan.body);
            // What comes from outside arrives at the border of the box.
            inner.retain(|part| {
                part.kind != Kind::Border || part.lines.len() != 1 || {
                    let inputs = scan.body.inputs.iter().skip(1);
                    !inputs
                        .into_iter()
                        .any(|input| part.gives.contains(&input.value))
                }
            });
            part.inner = Some(Inner {
                parts: inner,
                renamed: renamed(data, scan),
                labels: labels(&scan.body),
            });
            let way = if scan.reverse { " reverse" } else { "" };
            vec![format!("scan{way} of {} turns", scan.length)]
        }
        Node::Region(region) => vec![format!("region of {}", region.members.len())],
        Node::Gradient { .. } => vec!["gradient".into()],
        Node::StopGradient(_) => vec!["stop_gradient".into()],
    };
    part
}

/// The operators of a body; many are cut short.
fn operators(body: &Body) -> String {
    let names = body.insts.iter().filter_map(|inst| match inst {
        Inst::Op(op, _) => Some(op.name()),
        Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => None,
    });
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [first @ .., _, _] if names.len() > 6 => {
            format!("{} ... {} in all", first[..4].join(" "), names.len())
        }
        names => names.join(" "),
    }
}

/// The values that a scan hands in and out, by their names outside and inside.
fn renamed(data: &NodeData, scan: &crate::tir::Scan) -> Vec<(Value, Value)> {
    let operands = data.node.operands();
    let inputs = scan.body.inputs.iter().skip(1).map(|input| input.value);
    let into = operands.into_iter().zip(inputs);
    let out = data.results.iter().copied();
    into.chain(out.zip(scan.body.outputs.iter().copied()))
        .collect()
}

/// The kernels of a schedule that was made from a graph.
pub fn kernels(graph: &Graph, schedule: &Schedule, outputs: &[String]) -> Picture {
    let mut parts: Vec<Part> = graph
        .inputs
        .iter()
        .map(|input| {
            let line = vec![input.name.clone()];
            part(Kind::Border, line, &[], &[input.value])
        })
        .collect();
    parts.extend(step_parts(graph, schedule, &schedule.steps));
    for (name, &value) in outputs.iter().zip(&graph.outputs) {
        parts.push(part(Kind::Border, vec![name.clone()], &[value], &[]));
    }
    let made: Vec<Value> = parts.iter().flat_map(|part| part.gives.clone()).collect();
    for part in &mut parts {
        part.needs = stored(graph, &part.needs, &made);
    }
    connect(beside_readers(parts), &[], &[], &labels(graph))
}

/// The values that are kept somewhere, in place of those that are only seen through an access.
fn stored(graph: &Graph, values: &[Value], made: &[Value]) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let mut open: Vec<Value> = values.to_vec();
    let mut seen: Vec<Value> = Vec::new();
    while let Some(value) = open.pop() {
        if seen.contains(&value) {
            continue;
        }
        seen.push(value);
        if made.contains(&value) {
            found.push(value);
        } else {
            open.extend(graph.defining(value).node.operands());
        }
    }
    found.reverse();
    found
}

fn step_parts(graph: &Graph, schedule: &Schedule, steps: &[Step]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for step in steps {
        match step {
            Step::Kernel { kernel, value, .. } => {
                let kernel = schedule.kernels.get(*kernel);
                let nest = kernel.and_then(|kernel| kernel.nests.first());
                let title = match (value, nest) {
                    (Some(value), Some(nest)) if nest.reduce.is_empty() => {
                        format!("loop {value} {:?}", nest.free)
                    }
                    (Some(value), Some(nest)) => {
                        format!("loop {value} {:?} over {:?}", nest.free, nest.reduce)
                    }
                    _ => kernel.map_or_else(String::new, |kernel| kernel.name.clone()),
                };
                let mut lines = vec![title];
                let names = nest.map_or_else(String::new, |nest| operators(&nest.body));
                lines.extend((!names.is_empty()).then_some(names));
                parts.push(of_value(graph, Kind::Function, lines, *value));
            }
            Step::Product {
                product,
                value,
                terms,
                ..
            } => {
                let terms = terms.as_deref().map_or(&[][..], std::slice::from_ref);
                parts.extend(step_parts(graph, schedule, terms));
                let over = schedule.products.get(*product).map(|product| {
                    let extents = product.reduce.iter().map(|index| index.extent);
                    extents.collect::<Vec<_>>()
                });
                let line = format!("contraction {value} over {:?}", over.unwrap_or_default());
                parts.push(of_value(graph, Kind::Product, vec![line], Some(*value)));
            }
            Step::Group {
                rows,
                block,
                members,
            } => {
                let inner = step_parts(graph, schedule, members);
                let gives: Vec<Value> = inner.iter().flat_map(|p| p.gives.clone()).collect();
                let needs = inner.iter().flat_map(|p| p.needs.clone());
                let needs: Vec<Value> = needs.filter(|value| !gives.contains(value)).collect();
                let line = format!("{rows} rows, {block} at a time");
                let mut group = part(Kind::Function, vec![line], &needs, &gives);
                group.inner = Some(Inner {
                    parts: inner,
                    renamed: Vec::new(),
                    labels: labels(graph),
                });
                parts.push(group);
            }
            Step::Loop {
                value: Some(value),
                length,
                body,
                ..
            } => parts.extend(loop_part(graph, schedule, *value, *length, body)),
            Step::Loop { value: None, .. }
            | Step::Zero { .. }
            | Step::Copy { .. }
            | Step::Turn { .. } => {}
        }
    }
    parts
}

fn of_value(graph: &Graph, kind: Kind, lines: Vec<String>, value: Option<Value>) -> Part {
    let Some(value) = value else {
        return part(kind, lines, &[], &[]);
    };
    let data = graph.defining(value);
    let mut made = part(kind, lines, &data.node.operands(), &data.results);
    if let Node::Comprehension(c) = &data.node {
        made.note = comprehension_text(c);
    }
    made
}

fn loop_part(
    graph: &Graph,
    schedule: &Schedule,
    value: Value,
    length: usize,
    body: &[Step],
) -> Option<Part> {
    let data = graph.defining(value);
    let Node::Scan(scan) = &data.node else {
        return None;
    };
    let mut inner = step_parts(&scan.body, schedule, body);
    let inputs = scan.body.inputs.iter().map(|input| input.value);
    let made = inner.iter().flat_map(|part| part.gives.clone());
    let made: Vec<Value> = made.chain(inputs).collect();
    for part in &mut inner {
        part.needs = stored(&scan.body, &part.needs, &made);
    }
    let lines = vec![format!("loop of {length} turns")];
    let mut part = part(Kind::Function, lines, &data.node.operands(), &data.results);
    part.inner = Some(Inner {
        parts: inner,
        renamed: renamed(data, scan),
        labels: labels(&scan.body),
    });
    Some(part)
}
