//! `dlmc derive FILE`: the gradient of the objective by each parameter as formulas in index notation.
mod formula;
mod latex;
mod plain;
mod translate;

use super::graph::main_step;
use super::{Failure, Job};
use crate::base::source::Span;
use crate::check::program::{Program, StepGraph};
use crate::grad;
use crate::pass::PIPELINE;
use crate::tir::{Graph, Node, Value};
use formula::Line;
use std::collections::{HashMap, HashSet};
use translate::{Names, Writer, element_type, is_random};

/// Passes that make formulas simpler; the others make them faster.
const PASSES: [&str; 5] = ["simplify", "cse", "dce", "views", "presum"];

/// What is asked for.
pub struct Request<'a> {
    /// LaTeX in place of text.
    pub latex: bool,
    /// The parameters whose gradients are wanted, by the end of their path; all where there is none.
    pub of: Option<&'a str>,
}

/// An objective with its gradients, as values of a graph after differentiation.
struct Derived {
    graph: Graph,
    objective: Value,
    /// Paths of parameters and their gradients.
    gradients: Vec<(String, Value)>,
    /// Names of values.
    named: Vec<(String, Value)>,
    origin: Span,
}

/// Prints the formulas.
pub fn derive(mut job: Job, request: &Request<'_>) -> Result<(), Failure> {
    let (program, _) = job.checked()?;
    let derived = derived(&program, request.of).map_err(|why| {
        job.output.say(&format!("error: {why}\n"));
        Failure::Program
    })?;
    let place = job.sources.location(derived.origin);
    let lines = lines(&derived, &program, &place);
    let text = match request.latex {
        true => latex::text(&lines),
        false => plain::text(&lines),
    };
    job.output.line(text.trim_end_matches('\n'))
}

fn derived(program: &Program, of: Option<&str>) -> Result<Derived, String> {
    let step = main_step(program).filter(|step| !step.objectives.is_empty());
    let none = "the program minimizes nothing\nhelp: `train`, or `minimize J with sgd(lr = 0.1)`, gives an objective";
    let step = step.ok_or(none)?;
    let objective = step.objectives.first().ok_or(none)?;
    let mut gradients: Vec<(String, Value)> = Vec::new();
    for (_, data) in step.graph.nodes() {
        let Node::Gradient {
            of,
            with_respect_to,
        } = &data.node
        else {
            continue;
        };
        if *of != objective.value {
            continue;
        }
        for (by, result) in with_respect_to.iter().zip(&data.results) {
            let input = step.graph.inputs.iter().find(|input| input.value == *by);
            let known = input.is_some_and(|input| gradients.iter().any(|(n, _)| *n == input.name));
            if let (Some(input), false) = (input, known) {
                gradients.push((input.name.clone(), *result));
            }
        }
    }
    if let Some(wanted) = of {
        let all: Vec<String> = gradients.iter().map(|(name, _)| name.clone()).collect();
        let is_wanted = |name: &str| name == wanted || name.ends_with(&format!(".{wanted}"));
        gradients.retain(|(name, _)| is_wanted(name));
        if gradients.is_empty() {
            return Err(format!(
                "no parameter that is learned is called `{wanted}`\nhelp: there are {}",
                all.join(", ")
            ));
        }
    }
    simplified(step, objective.value, gradients, objective.origin)
}

/// The graph of an objective and its gradients after differentiation and the passes that simplify.
fn simplified(
    step: &StepGraph,
    objective: Value,
    gradients: Vec<(String, Value)>,
    origin: Span,
) -> Result<Derived, String> {
    let mut graph = step.graph.clone();
    let mut named: Vec<(String, Value)> = Vec::new();
    for application in &step.applications {
        if let [result] = application.results.as_slice()
            && result.value != objective
            && named.iter().all(|(_, value)| *value != result.value)
        {
            let path = application.path.as_ref().unwrap_or(&application.name);
            let name = path.rsplit('.').next().unwrap_or(path);
            named.push((name.to_string(), result.value));
        }
    }
    graph.outputs = vec![objective];
    graph
        .outputs
        .extend(gradients.iter().map(|(_, value)| value));
    graph.outputs.extend(named.iter().map(|(_, value)| value));
    let mut graph = grad::expand(&graph)?;
    for _ in 0..2 {
        let passes = PIPELINE.iter().filter(|pass| PASSES.contains(&pass.name));
        graph = passes.fold(graph, |graph, pass| (pass.run)(&graph));
    }
    let outputs = graph.outputs.clone();
    let mut outputs = outputs.into_iter();
    let objective = outputs.next().ok_or("the objective is lost")?;
    let gradients: Vec<(String, Value)> = gradients
        .into_iter()
        .zip(outputs.by_ref())
        .map(|((name, _), value)| (name, value))
        .collect();
    let named = named.into_iter().zip(outputs).map(|((n, _), v)| (n, v));
    let named = named.collect();
    graph.outputs = vec![objective];
    graph
        .outputs
        .extend(gradients.iter().map(|(_, value)| value));
    Ok(Derived {
        objective,
        gradients,
        named,
        origin,
        graph,
    })
}

/// The values that some are made from, themselves too.
fn needed(graph: &Graph, of: impl Iterator<Item = Value>) -> HashSet<Value> {
    let mut open: Vec<Value> = of.collect();
    let mut found = HashSet::new();
    while let Some(value) = open.pop() {
        if found.insert(value) {
            open.extend(graph.defining(value).node.operands());
        }
    }
    found
}

/// The name of a parameter or of data in formulas: without the instance that all of them have in common.
fn short(program: &Program, name: &str) -> String {
    let roots = super::model::roots(program);
    let rest = match roots.as_slice() {
        [root] => root
            .application
            .path
            .as_ref()
            .and_then(|path| name.strip_prefix(path.as_str())?.strip_prefix('.')),
        _ => None,
    };
    rest.unwrap_or(name).replace(['.', ' '], "_")
}

fn lines(derived: &Derived, program: &Program, place: &str) -> Vec<Line> {
    let graph = &derived.graph;
    let forward = needed(graph, std::iter::once(derived.objective));
    let live = needed(graph, graph.outputs.iter().copied());
    let mut names = Names::default();
    let mut named: HashMap<Value, String> = HashMap::new();
    let mut lines = vec![Line::Remark(format!("The objective J of {place}."))];
    for input in graph.inputs.iter().filter(|i| live.contains(&i.value)) {
        let name = names.fresh(&short(program, &input.name));
        lines.push(Line::Remark(given(&name, &input.ty)));
        named.insert(input.value, name);
    }
    let is_input = |value: Value| matches!(graph.defining(value).node, Node::Input(_));
    if !is_input(derived.objective) {
        named.insert(derived.objective, names.fresh("J"));
    }
    for (path, value) in &derived.gradients {
        let name = names.fresh(&format!("dJ_d_{}", short(program, path)));
        named.entry(*value).or_insert(name);
    }
    for (name, value) in derived.named.iter().filter(|(_, v)| forward.contains(v)) {
        if !named.contains_key(value) {
            named.insert(*value, names.fresh(name));
        }
    }
    let mut writer = Writer::new(graph, named, &mut names);
    for (part, prefix, title) in [(true, "f", "Forward"), (false, "g", "Backward")] {
        lines.extend([Line::Remark(String::new()), Line::Remark(title.into())]);
        writer.prefix = prefix;
        for (_, data) in graph.nodes() {
            let Some(&result) = data.results.first() else {
                continue;
            };
            let is_live = data.results.iter().any(|value| live.contains(value));
            let is_forward = data.results.iter().any(|value| forward.contains(value));
            if !is_live || is_forward != part {
                continue;
            }
            if is_random(&data.node) && !matches!(data.node, Node::Scan(_)) {
                let name = writer.alias_name(result);
                let text = format!("{} (random numbers)", given(&name, graph.ty(result)));
                lines.push(Line::Remark(text));
                continue;
            }
            let gradient = derived.gradients.iter().find(|(_, value)| *value == result);
            if let Some((path, _)) = gradient {
                lines.push(Line::Remark(format!("∂J/∂{path}")));
            }
            lines.extend(writer.lines(data));
        }
    }
    for (path, value) in &derived.gradients {
        let name = format!("dJ_d_{}", short(program, path));
        if writer.named.get(value).is_some_and(|known| *known != name) {
            lines.push(Line::Remark(format!("∂J/∂{path}")));
            lines.push(writer.alias(name, *value));
        }
    }
    lines
}

fn given(name: &str, ty: &crate::base::types::Type) -> String {
    format!("{name}: {}{:?}", element_type(ty.dtype), ty.shape)
}
