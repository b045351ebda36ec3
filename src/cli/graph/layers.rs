//! A model as its layers: what each application gives to the next.
use super::picture::{Inner, Kind, Part, Picture, connect};
use crate::base::source::Sources;
use crate::check::program::{Application, Program, StepGraph, Traced};
use crate::cli::model::{self, Root, children, named_shape, roots, short};
use crate::tir::{Inst, Node, Op, Value};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Longest text that is quoted from the source.
const QUOTED: usize = 40;

struct Model<'a> {
    program: &'a Program,
    sources: &'a Sources,
    step: &'a StepGraph,
    /// How many levels are opened; layers of the user's own, all of them, where nothing is said.
    depth: Option<usize>,
    labels: HashMap<Value, String>,
}

/// The picture of the layers of a program; empty where it applies none.
pub fn picture(program: &Program, sources: &Sources, depth: Option<usize>) -> Picture {
    let mut whole = Picture::default();
    let mut left = roots(program);
    while let Some(first) = left.first().copied() {
        let (here, others): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|root| std::ptr::eq(root.step, first.step));
        left = others;
        let model = Model {
            program,
            sources,
            step: first.step,
            depth,
            labels: labels(first.step),
        };
        let part = connect(model.top(&here), &[], &[], &model.labels);
        append(&mut whole, part);
    }
    whole
}

fn append(whole: &mut Picture, part: Picture) {
    use super::picture::{Edge, End};
    let first = whole.items.len();
    let moved = |end| match end {
        End::Item(item, port) => End::Item(first + item, port),
        End::Port(port) => End::Port(port),
    };
    whole.items.extend(part.items);
    whole.edges.extend(part.edges.into_iter().map(|edge| Edge {
        from: moved(edge.from),
        to: moved(edge.to),
        label: edge.label,
    }));
}

/// What is written at each value: its shape, with the names that most of its dimensions have anywhere.
fn labels(step: &StepGraph) -> HashMap<Value, String> {
    let mut named: HashMap<Value, &Traced> = HashMap::new();
    let names = |traced: &Traced| traced.dims.iter().flatten().count();
    for application in &step.applications {
        for traced in application.results.iter().chain(&application.inputs) {
            let known = named.entry(traced.value).or_insert(traced);
            if names(traced) > names(known) {
                *known = traced;
            }
        }
    }
    let values = step.graph.nodes().flat_map(|(_, data)| &data.results);
    let text = |value: &Value| {
        let dims = named.get(value).map_or(&[][..], |traced| &traced.dims);
        named_shape(step.graph.ty(*value), dims)
    };
    values.map(|value| (*value, text(value))).collect()
}

impl Model<'_> {
    fn number(&self, value: Value) -> usize {
        self.step.graph.definition(value).as_u32() as usize
    }

    /// The outermost layers with what flows into the first and out of the last.
    fn top(&self, roots: &[Root<'_>]) -> Vec<Part> {
        let made: HashSet<Value> = roots
            .iter()
            .flat_map(|root| root.application.results.iter().map(|t| t.value))
            .collect();
        let mut parts = Vec::new();
        let mut seen: HashSet<Value> = HashSet::new();
        let inputs = roots.iter().flat_map(|root| &root.application.inputs);
        for input in inputs.filter(|input| !made.contains(&input.value)) {
            if seen.insert(input.value) {
                let name = input.name.clone().unwrap_or_else(|| "input".into());
                parts.push(border(name, &[], &[input.value]));
            }
        }
        let mut taken: HashSet<Value> = HashSet::new();
        for root in roots {
            let ins: Vec<Value> = root.application.inputs.iter().map(|t| t.value).collect();
            taken.extend(&ins);
            parts.push(self.part(root.at, root.application, 0, &ins));
        }
        for root in roots {
            let results = root.application.results.iter().map(|t| t.value);
            let results: Vec<Value> = results.filter(|value| !taken.contains(value)).collect();
            if !results.is_empty() {
                parts.push(border("output".into(), &results, &[]));
            }
        }
        parts
    }

    /// The box of an application, open where it is to be. `around` is known outside of it.
    fn part(&self, at: usize, application: &Application, level: usize, around: &[Value]) -> Part {
        let inside = |value: &Value| application.nodes.contains(&self.number(*value));
        let gives: Vec<Value> = distinct(application.results.iter().map(|t| t.value));
        let graph = &self.step.graph;
        let nodes = graph.nodes_since(application.nodes.start);
        let operands = nodes
            .take(application.nodes.len())
            .flat_map(|data| data.node.operands());
        let needs = operands.filter(|value| !inside(value) || around.contains(value));
        let needs: Vec<Value> = distinct(needs.filter(|value| around.contains(value)));
        let mut part = Part {
            kind: if application.path.is_some() {
                Kind::Layer
            } else {
                Kind::Function
            },
            lines: vec![self.title(application)],
            note: self.note(application),
            needs: needs.clone(),
            gives: gives.iter().copied().filter(|v| inside(v)).collect(),
            inner: None,
        };
        if let Some(path) = &application.path {
            let count = model::parameters(self.program, path);
            let name = path.rsplit('.').next().unwrap_or(path);
            if count > 0 {
                part.lines
                    .push(format!("{name}: {} parameters", short(count as f64)));
            }
        }
        if self.is_open(at, level) {
            let parts = self.within(&application.nodes, Some(at), level + 1, (&needs, &gives));
            if !parts.is_empty() {
                part.inner = Some(Inner {
                    parts,
                    renamed: Vec::new(),
                    labels: self.labels.clone(),
                });
            }
        }
        part
    }

    fn is_open(&self, at: usize, level: usize) -> bool {
        if let Some(depth) = self.depth {
            return level < depth;
        }
        let in_library = |application: &Application| {
            let file = self.sources.file(application.written.file);
            file.name.starts_with("std/")
        };
        let mut inner = children(self.step, at).peekable();
        match inner.peek() {
            None => level == 0,
            Some(_) => !inner.any(|(_, child)| in_library(child)),
        }
    }

    fn title(&self, application: &Application) -> String {
        let text = self.sources.snippet(application.written);
        let last = text.rsplit("|>").next().unwrap_or_default().trim();
        let fits = last.chars().count() <= QUOTED && !last.contains('\n');
        match last.strip_prefix(&application.name) {
            Some(rest) if fits && (rest.is_empty() || rest.starts_with('(')) => last.to_string(),
            _ => application.name.clone(),
        }
    }

    fn note(&self, application: &Application) -> String {
        let shapes = |all: &[Traced]| {
            let shapes = all.iter().map(|t| model::shape(&self.step.graph, t));
            shapes.collect::<Vec<_>>().join(", ")
        };
        format!(
            "{}: {} -> {}; {} flops forward",
            application.path.as_ref().unwrap_or(&application.name),
            shapes(&application.inputs),
            shapes(&application.results),
            short(model::operations(self.step, application))
        )
    }

    /// The boxes of a body: its applications, and what else it computes.
    fn within(
        &self,
        nodes: &Range<usize>,
        parent: Option<usize>,
        level: usize,
        (ins, outs): (&[Value], &[Value]),
    ) -> Vec<Part> {
        let live = self.live(nodes, outs);
        let boxed: Vec<(usize, &Application)> = parent
            .into_iter()
            .flat_map(|at| children(self.step, at))
            .filter(|(_, child)| {
                let made = |t: &Traced| child.nodes.contains(&self.number(t.value));
                child.results.iter().any(made) && child.nodes.clone().any(|at| live.contains(&at))
            })
            .collect();
        let mut known: Vec<Value> = ins.to_vec();
        let mut parts: Vec<Part> = Vec::new();
        let mut next = nodes.start;
        while next < nodes.end {
            if let Some((at, child)) = boxed.iter().find(|(_, child)| child.nodes.start == next) {
                let part = self.part(*at, child, level, &known);
                if !part.needs.is_empty() {
                    known.extend(&part.gives);
                    parts.push(part);
                }
                next = child.nodes.end.max(next + 1);
                continue;
            }
            if live.contains(&next) {
                self.operation(next, ins, &mut known, &mut parts);
            }
            next += 1;
        }
        parts
    }

    /// The numbers of the nodes that results are made from.
    fn live(&self, nodes: &Range<usize>, outs: &[Value]) -> HashSet<usize> {
        let mut wanted: HashSet<usize> = outs.iter().map(|value| self.number(*value)).collect();
        let inside = self.step.graph.nodes_since(nodes.start).take(nodes.len());
        let numbered: Vec<_> = nodes.clone().zip(inside).collect();
        for (number, data) in numbered.iter().rev() {
            if wanted.contains(number) {
                wanted.extend(data.node.operands().iter().map(|value| self.number(*value)));
            }
        }
        wanted
    }

    /// Adds a node that belongs to no application: to the box of the node before, where it goes on from it alone.
    fn operation(
        &self,
        number: usize,
        ins: &[Value],
        known: &mut Vec<Value>,
        parts: &mut Vec<Part>,
    ) {
        let Some(data) = self.step.graph.nodes_since(number).next() else {
            return;
        };
        let given = data.results.iter().any(|value| ins.contains(value));
        if given || matches!(data.node, Node::Input(_) | Node::Constant(_)) {
            return;
        }
        let operands = data.node.operands().into_iter();
        let needs = distinct(operands.filter(|value| known.contains(value)));
        if needs.is_empty() {
            return;
        }
        known.extend(&data.results);
        let from = |part: &Part| {
            part.kind == Kind::Operation && needs.iter().any(|need| part.gives.contains(need))
        };
        let sources: Vec<usize> = (0..parts.len()).filter(|at| from(&parts[*at])).collect();
        let alone = |part: &Part| {
            let mut needs = needs.iter();
            needs.all(|need| part.gives.contains(need) || ins.contains(need))
        };
        let text = self.operation_text(number);
        match sources.as_slice() {
            [at] if alone(&parts[*at]) => {
                let part = &mut parts[*at];
                part.lines = vec![text];
                let outside = needs.iter().filter(|need| !part.gives.contains(need));
                part.needs = distinct(part.needs.iter().chain(outside).copied());
                part.gives.extend(&data.results);
            }
            _ => parts.push(Part {
                kind: Kind::Operation,
                lines: vec![text],
                note: String::new(),
                needs,
                gives: data.results.clone(),
                inner: None,
            }),
        }
    }

    /// The source of a node, or what it does where that is long.
    fn operation_text(&self, number: usize) -> String {
        let Some(data) = self.step.graph.nodes_since(number).next() else {
            return String::new();
        };
        let text = self.sources.snippet(data.origin).trim();
        let is_short = !text.is_empty() && text.chars().count() <= QUOTED;
        if is_short && !text.contains('\n') && !text.contains("|>") {
            return text.to_string();
        }
        match &data.node {
            Node::Comprehension(c) if c.as_product().is_some() => "@".into(),
            Node::Comprehension(c) => {
                let names = c.body.insts.iter().filter_map(|inst| match inst {
                    Inst::Op(op, _) => Some(match op {
                        Op::Add => "+",
                        Op::Sub | Op::Neg => "-",
                        Op::Mul => "*",
                        Op::Div => "/",
                        other => other.name(),
                    }),
                    Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => None,
                });
                let names: Vec<&str> = c.reducer.iter().map(|r| r.name()).chain(names).collect();
                if names.is_empty() {
                    "view".into()
                } else {
                    names.join(" ")
                }
            }
            Node::Reshape(_) => "reshape".into(),
            Node::Concat(..) => "concat".into(),
            Node::Scatter(_) => "scatter".into(),
            Node::Scan(scan) => format!("scan of {} turns", scan.length),
            Node::Region(_) | Node::Input(_) | Node::Constant(_) => String::new(),
            Node::Gradient { .. } => "grad".into(),
            Node::StopGradient(_) => "stop_gradient".into(),
        }
    }
}

fn border(name: String, needs: &[Value], gives: &[Value]) -> Part {
    Part {
        kind: Kind::Border,
        lines: vec![name],
        note: String::new(),
        needs: needs.to_vec(),
        gives: gives.to_vec(),
        inner: None,
    }
}

fn distinct(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}
