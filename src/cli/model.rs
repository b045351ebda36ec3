//! The layers of a program as they were applied: for the table of a report and the picture of a model.
use crate::base::types::{DType, Type};
use crate::check::program::{Application, Program, SlotKind, StepGraph, Traced};
use crate::tir::{Body, Graph, Inst, Node};
use std::fmt::Write;

/// An instance of a layer that no other layer applies.
#[derive(Clone, Copy)]
pub struct Root<'a> {
    /// The graph that it is applied in.
    pub step: &'a StepGraph,
    /// Its position among the applications of that graph.
    pub at: usize,
    /// The application.
    pub application: &'a Application,
}

/// The outermost instances of a program, each where it is applied first: in a graph that trains, where there is one.
pub fn roots(program: &Program) -> Vec<Root<'_>> {
    let trains = |step: &StepGraph| {
        let mut kinds = step.outputs.iter().map(|&slot| program.slot(slot).kind);
        kinds.any(|kind| kind == SlotKind::Parameter)
    };
    let graphs = program
        .graphs
        .iter()
        .filter(|step| trains(step) && !step.inputs.is_empty())
        .chain(&program.graphs);
    let mut roots: Vec<Root<'_>> = Vec::new();
    for step in graphs {
        for (at, application) in step.applications.iter().enumerate() {
            let known = roots
                .iter()
                .any(|root| root.application.path == application.path);
            if application.path.is_some() && !known && is_outermost(step, application) {
                roots.push(Root {
                    step,
                    at,
                    application,
                });
            }
        }
    }
    roots
}

/// Whether no instance is around an application.
fn is_outermost(step: &StepGraph, application: &Application) -> bool {
    let mut around = application.parent;
    while let Some(outer) = around.and_then(|at| step.applications.get(at)) {
        if outer.path.is_some() {
            return false;
        }
        around = outer.parent;
    }
    true
}

/// The applications that stand directly in the body of one, with their positions.
pub fn children(step: &StepGraph, at: usize) -> impl Iterator<Item = (usize, &Application)> {
    let applications = step.applications.iter().enumerate();
    applications.filter(move |(_, application)| application.parent == Some(at))
}

/// Number of learned elements of an instance, those of the instances in it too.
pub fn parameters(program: &Program, path: &str) -> usize {
    let own = |name: &str| {
        name.strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let slots = program.slots_of(SlotKind::Parameter);
    slots
        .filter(|(_, slot)| own(&slot.name))
        .map(|(_, slot)| slot.ty.len())
        .sum()
}

/// Scalar operations of the nodes of an application, forward only: two for a multiply-add.
pub fn operations(step: &StepGraph, application: &Application) -> f64 {
    let nodes = step.graph.nodes_since(application.nodes.start);
    let nodes = nodes.take(application.nodes.len());
    nodes.map(|data| of_node(&data.node)).sum()
}

fn of_node(node: &Node) -> f64 {
    let points = |extents: &[usize]| extents.iter().map(|&extent| extent as f64).product::<f64>();
    match node {
        Node::Comprehension(c) => {
            let each = of_body(&c.body) + usize::from(c.reducer.is_some());
            points(&c.extents()) * each as f64
        }
        Node::Scatter(s) => points(&s.extents) * (of_body(&s.body) + 1) as f64,
        Node::Scan(scan) => scan.length as f64 * of_graph(&scan.body),
        Node::Region(region) => region.members.iter().map(of_node).sum(),
        Node::Input(_)
        | Node::Constant(_)
        | Node::Reshape(_)
        | Node::Concat(..)
        | Node::Gradient { .. }
        | Node::StopGradient(_) => 0.0,
    }
}

/// Scalar operations of a graph: two for a multiply-add.
pub fn of_graph(graph: &Graph) -> f64 {
    graph.nodes().map(|(_, data)| of_node(&data.node)).sum()
}

fn of_body(body: &Body) -> usize {
    let trimmed = body.trimmed();
    let is_operation = |inst: &&Inst| matches!(inst, Inst::Op(..));
    trimmed.insts.iter().filter(is_operation).count()
}

/// The shape of a tensor with the names of its dimensions: `[n = 32, 10]`; the element type where it is not `f32`.
pub fn shape(graph: &Graph, tensor: &Traced) -> String {
    named_shape(graph.ty(tensor.value), &tensor.dims)
}

/// The same from a type and names.
pub fn named_shape(ty: &Type, dims: &[Option<std::sync::Arc<str>>]) -> String {
    let mut text = match ty.dtype {
        DType::F32 => String::new(),
        other => other.to_string(),
    };
    text.push('[');
    for (axis, size) in ty.shape.iter().enumerate() {
        if axis > 0 {
            text += ", ";
        }
        let name = dims.get(axis).and_then(Option::as_ref);
        // Writing to a text cannot fail.
        let _ = match name {
            Some(name) => write!(text, "{name} = {size}"),
            None => write!(text, "{size}"),
        };
    }
    text + "]"
}

/// A count with a unit of a thousand, a million or more: `61.7 k`.
pub fn short(count: f64) -> String {
    let units = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.iter().find(|(unit, _)| count >= *unit) {
        Some((unit, name)) => {
            let scaled = count / unit;
            let digits = usize::from(scaled < 10.0) + usize::from(scaled < 100.0);
            format!("{scaled:.digits$} {name}")
        }
        None => format!("{count:.0}"),
    }
}
