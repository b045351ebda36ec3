//! An index out of range, told to the person who wrote the program: whose label or token it is, and the mend.
use super::error::RunError;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::check::program::{Application, Program, SlotKind, StepGraph};
use crate::tir::{Node, NodeData, Subscript, Value};

/// An index that was read, and the size of the dimension that it lies outside of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Astray {
    pub value: i64,
    pub bound: usize,
}

/// The application in the person's own file in which a step reads by indices along a dimension of this size, if there is one only.
fn reader<'a>(program: &Program, step: &'a StepGraph, bound: usize) -> Option<&'a Application> {
    let mut found: Option<&Application> = None;
    for (id, node) in step.graph.nodes() {
        if !gathers(program, step, node, bound) {
            continue;
        }
        let number = id.as_u32() as usize;
        let mut inner = step.applications.iter().rev();
        let own = inner
            .find(|application| application.nodes.contains(&number))
            .and_then(|innermost| around(step, innermost));
        let Some(own) = own else { continue };
        if found.is_some_and(|other| other.written != own.written) {
            return None;
        }
        found = Some(own);
    }
    found
}

/// Whether a node reads an operand by an index along a dimension of this size. The rows of a batch, which the host chooses, are none.
fn gathers(program: &Program, step: &StepGraph, node: &NodeData, bound: usize) -> bool {
    let Node::Comprehension(comprehension) = &node.node else {
        return false;
    };
    let is_data = |value: Value| match step.graph.defining(value).node {
        Node::Input(number) => step
            .inputs
            .get(number as usize)
            .is_some_and(|slot| program.slot(*slot).kind == SlotKind::Data),
        _ => false,
    };
    let mut reads = comprehension
        .reads
        .iter()
        .filter(|read| !is_data(read.value));
    reads.any(|read| {
        let shape = &step.graph.ty(read.value).shape;
        let mut subscripts = read.subscripts.iter().zip(shape);
        subscripts
            .any(|(subscript, size)| matches!(subscript, Subscript::Gather(_)) && *size == bound)
    })
}

/// The application, or the one around it that is written in the file of the step.
fn around<'a>(step: &'a StepGraph, inner: &'a Application) -> Option<&'a Application> {
    let mut application = inner;
    while application.written.file != step.origin.file {
        application = step.applications.get(application.parent?)?;
    }
    Some(application)
}

/// What is said of an index that a function or layer of the standard library was given, and the mend.
fn told(name: &str, Astray { value, bound }: Astray) -> Option<(String, String)> {
    let last = bound.saturating_sub(1);
    Some(match name {
        "cross_entropy" | "nll" => (
            format!("`{name}` is given the label {value}, and there are scores for {bound} classes, 0 to {last}"),
            match value {
                value if value < 0 => "classes count from 0: rows without a class are left out by `ignore_index = -1`, and `target(\"y\", classes = true)` makes classes of a column".to_string(),
                value => format!(
                    "classes count from 0: subtract 1 from labels that begin at 1, or end the model with a score for each class, `dense({})`; `target(\"y\", classes = true)` makes classes of a column",
                    value + 1
                ),
            },
        ),
        "embedding" => (
            format!("`embedding` is given the token {value}, and its vocabulary has {bound}, 0 to {last}"),
            match value {
                value if value < 0 => "tokens count from 0".to_string(),
                value => format!("make the vocabulary larger: `embedding({}, ...)`, since 0 is a token too", value + 1),
            },
        ),
        _ => return None,
    })
}

/// The same error with the place in the person's file, where the access itself stands in the standard library.
pub(super) fn located(
    error: RunError,
    astray: Astray,
    program: &Program,
    graph: usize,
) -> RunError {
    let site = error.diagnostic.labels.first().map(|label| label.span);
    let (Some(step), Some(site)) = (program.graphs.get(graph), site) else {
        return error;
    };
    if site.file == step.origin.file {
        return at_subscript(error, astray, program, site);
    }
    match reader(program, step, astray.bound) {
        Some(application) => in_application(error, astray, application, site),
        None => error.in_step(program, graph),
    }
}

/// The same error with the place of the subscript, where only one of those at the place of the error can be meant.
fn at_subscript(error: RunError, astray: Astray, program: &Program, site: Span) -> RunError {
    let computed = program.computed.iter();
    let mut inside = computed.filter(|(place, size)| {
        let Span { file, start, end } = *place;
        *size == astray.bound && file == site.file && start >= site.start && end <= site.end
    });
    let (Some((place, _)), None) = (inside.next(), inside.next()) else {
        return error;
    };
    let mut diagnostic = *error.diagnostic;
    if let Some(label) = diagnostic.labels.first_mut() {
        label.span = *place;
        label.text = format!("this is {}, and the size is {}", astray.value, astray.bound);
    }
    RunError {
        diagnostic: Box::new(diagnostic),
        ..error
    }
}

fn in_application(
    error: RunError,
    astray: Astray,
    application: &Application,
    site: Span,
) -> RunError {
    let code = error.diagnostic.code;
    let written = application.written;
    let diagnostic = match told(&application.name, astray) {
        Some((message, help)) => Diagnostic::error(code, written, message).help(help),
        None => {
            let mut diagnostic = Diagnostic::error(code, written, error.diagnostic.message.clone())
                .here(format!("in this `{}`", application.name))
                .label(site, "this access");
            diagnostic.help = error.diagnostic.help.clone();
            diagnostic
        }
    };
    RunError {
        diagnostic: Box::new(diagnostic),
        ..error
    }
}
