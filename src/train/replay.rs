//! After a loss or a parameter became infinite or NaN: goes through the steps again from the last good state, bit by bit the same, to the
//! step and the operation at fault, and says what was found.
use super::RunError;
use super::blame::{self, Blame, Cause};
use super::error::{NOT_FINITE, NotFinite};
use super::format::float;
use super::machine::{Event, Machine};
use super::probe::{Fault, Operand, first_fault};
use super::watch::Watch;
use crate::base::diagnostic::Diagnostic;
use crate::base::diagnostic::Label;
use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::check::program::{Instr, Program, SlotId, SlotKind, StepGraph};
use crate::pass::rewrite::Rewriter;
use crate::tir::{Graph, Node, NodeId, Value};

/// The step at fault; the machine stands before it.
struct Step {
    graph: usize,
    /// What is not finite after it, and its first such element.
    slot: SlotId,
    value: f64,
    place: String,
}

/// What a parameter is told that was not finite before any step.
pub(super) fn from_outside(program: &Program, slot: SlotId) -> RunError {
    let name = &program.slot(slot).name;
    let message = format!("`{name}` is not finite where the run begins or goes on");
    let mut error = RunError::new(NOT_FINITE, Span::default(), message)
        .help("it was loaded or set so: begin with weights whose numbers are all finite");
    error.diagnostic.labels.clear();
    error.not_finite = Some(NotFinite {
        name: name.clone(),
        place: String::new(),
    });
    error
}

/// Finds the step that made a slot infinite or NaN, and in it the operation. The machine is left before that step.
pub(super) fn find(machine: &mut Machine, watch: &Watch, slot: SlotId) -> RunError {
    let runs = machine.times.runs;
    let before = match &watch.kept {
        Some(kept) => {
            machine.go_back(kept);
            Ok(kept.runs)
        }
        None => machine.go_to_start().map(|()| 0),
    };
    let slice = std::mem::replace(&mut machine.slice, 1);
    machine.replaying = true;
    let step = before.and_then(|before| go_through(machine, watch, runs.saturating_sub(before)));
    machine.replaying = false;
    machine.slice = slice;
    let program = machine.program.clone();
    match step {
        Ok(Some(step)) => describe(machine, &program, &step),
        Ok(None) | Err(_) => {
            let why = "the steps gone through again did not come to the same numbers";
            let name = &program.slot(slot).name;
            RunError::fault(
                "train",
                Span::default(),
                format!("`{name}` is not finite, but {why}"),
            )
        }
    }
}

/// Goes through at most `runs` runs of graphs, to the first after which something watched is not finite, and back before it.
fn go_through(
    machine: &mut Machine,
    watch: &Watch,
    mut runs: u64,
) -> Result<Option<Step>, RunError> {
    let program = machine.program.clone();
    let mut event = Event::None;
    let mut before: Vec<Vec<u8>> = Vec::new();
    while let Some(instr) = program.code.get(machine.position) {
        let (Instr::Run(number) | Instr::RunTimes { graph: number, .. }) = instr else {
            machine.step_of(&program, &mut event)?;
            continue;
        };
        let Some(step) = program.graphs.get(*number) else {
            return Ok(None);
        };
        if runs == 0 {
            return Ok(None);
        }
        runs -= 1;
        let watched = watch.watched(step, *number);
        let at = (machine.position, machine.turns);
        if !watched.is_empty() {
            save(machine, step, &mut before);
        }
        machine.step_of(&program, &mut event)?;
        if let Some(&slot) = watched.iter().find(|slot| !machine.is_finite(**slot)) {
            let value = first_bad(&machine.value(slot)).map_or(f64::NAN, |found| found.1);
            for (slot, bytes) in step.outputs.iter().zip(&before) {
                machine
                    .store
                    .bytes_mut(slot.0 as usize)
                    .copy_from_slice(bytes);
            }
            (machine.position, machine.turns) = at;
            return Ok(Some(Step {
                graph: *number,
                slot,
                value,
                place: place(machine, &program),
            }));
        }
    }
    Ok(None)
}

/// Copies what a step writes.
fn save(machine: &Machine, step: &StepGraph, into: &mut Vec<Vec<u8>>) {
    into.resize_with(step.outputs.len(), Vec::new);
    for (slot, bytes) in step.outputs.iter().zip(into) {
        bytes.clear();
        bytes.extend_from_slice(machine.bytes(*slot));
    }
}

/// Position and value of the first element that is not finite.
fn first_bad(tensor: &Tensor) -> Option<(usize, f64)> {
    let mut elements = (0..tensor.len()).filter_map(|at| Some((at, tensor.get(at)?)));
    elements.find(|(_, element)| !element.is_finite())
}

/// Where the machine stands, as people count: `epoch 2/20, step 5/45`, `turn 412 of 1000`.
fn place(machine: &Machine, program: &Program) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut trains = false;
    let position = machine.position;
    for instr in program.code.iter().take(position) {
        match instr {
            Instr::JumpIfAtLeast {
                slot,
                limit,
                target,
            } if *target > position => {
                let now = machine.number(*slot);
                match &*program.slot(*slot).name {
                    "epoch" => {
                        trains = true;
                        parts.push(format!("epoch {}/{limit}", now + 1.0));
                    }
                    "loop variable" => parts.push(format!("`for` at {now}")),
                    _ => parts.push(format!("turn {} of {limit}", now + 1.0)),
                }
            }
            Instr::NextBatch {
                iterator,
                size,
                otherwise,
                ..
            } if *otherwise > position => {
                let walk = machine.iterators.get(*iterator).and_then(Option::as_ref);
                let rows = walk.map_or(0, |batches| batches.walk.position);
                parts.push(match machine.progress {
                    progress if trains && progress.steps > 0 => {
                        format!("step {}/{}", progress.step + 1, progress.steps)
                    }
                    _ => format!("batch {}", rows.div_ceil((*size).max(1))),
                });
            }
            _ => {}
        }
    }
    if let Some(Instr::RunTimes { times, .. }) = program.code.get(position) {
        parts.push(format!("turn {} of {times}", machine.turns + 1));
    }
    parts.join(", ")
}

/// A number that is not finite, in a word.
fn word(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "infinite"
    } else {
        "minus infinite"
    }
}

/// A number as people write it.
fn shown(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else {
        float(value)
    }
}

fn describe(machine: &Machine, program: &Program, step: &Step) -> RunError {
    let graph = &program.graphs[step.graph];
    let data = program.slot(step.slot);
    let finding = investigate(machine, graph, step).ok().flatten();
    let loss = match &finding {
        Some(finding) => finding.of_loss,
        None => data.kind != SlotKind::Parameter,
    };
    let name = if loss { "loss" } else { &data.name };
    let subject = match loss {
        true => "the loss".to_string(),
        false => format!("the parameter `{name}`"),
    };
    let becomes = match &finding {
        Some(finding) if loss && finding.fault.leads_to_nan => "NaN",
        Some(_) if loss => "infinite",
        Some(_) | None => word(step.value),
    };
    let mut message = format!("{subject} becomes {becomes}");
    if !step.place.is_empty() {
        message += &format!(" in {}", step.place);
    }
    let mut error = RunError::new(NOT_FINITE, graph.origin, message);
    error.not_finite = Some(NotFinite {
        name: name.into(),
        place: step.place.clone(),
    });
    error.diagnostic = Box::new(match finding {
        Some(finding) => finding.tell(*error.diagnostic, program, graph),
        // The step can be named in any case.
        None => error
            .diagnostic
            .here("in this step")
            .help("lower the learning rate")
            .note("no operation overflows as the formulas are written, only in the order in which they were summed up"),
    });
    // The person's own file comes before the standard library's.
    let labels = &mut error.diagnostic.labels;
    let own = |label: &Label| label.span.file == graph.origin.file;
    if let Some(at) = labels.iter().position(own) {
        labels.swap(0, at);
    }
    error
}

/// What went wrong inside a step.
struct Finding {
    fault: Fault,
    /// Whether the operation is one of a gradient.
    backward: bool,
    /// Whether a loss is not finite, not only the parameters after the step.
    of_loss: bool,
    /// The loss that it belongs to, where the step has several.
    objective: Option<Span>,
    /// For a number that was not finite before the step: the input that holds it.
    input: Option<SlotId>,
}

/// Looks for the first operation of a step that is not finite.
fn investigate(
    machine: &Machine,
    step: &StepGraph,
    found: &Step,
) -> Result<Option<Finding>, RunError> {
    let fail = |why: String| RunError::fault("check of a step", step.origin, why);
    // The losses leave the graph too, so that they are found in it with the gradients written out.
    let mut graph = step.graph.clone();
    let outputs = graph.outputs.len();
    graph
        .outputs
        .extend(step.objectives.iter().map(|objective| objective.value));
    let graph = crate::grad::expand(&graph).map_err(fail)?;
    let inputs: Vec<&[u8]> = step
        .inputs
        .iter()
        .map(|slot| machine.bytes(*slot))
        .collect();
    let at = step.outputs.iter().position(|slot| *slot == found.slot);
    let updated = at.and_then(|at| graph.outputs.get(at)).copied();
    let losses = graph.outputs.get(outputs..).unwrap_or_default();
    let options = &machine.compiled.options;
    // The loss comes first: where it is at fault, so are the gradients.
    let mut fault = first_fault(&graph, &inputs, losses, options)?;
    let of_loss = fault.is_some();
    if fault.is_none() {
        let updated: Vec<Value> = updated.into_iter().collect();
        fault = first_fault(&graph, &inputs, &updated, options)?;
    }
    let Some(fault) = fault else {
        return Ok(None);
    };
    let input = match &fault.culprit {
        Node::Input(number) if fault.turn.is_none() => step.inputs.get(*number as usize).copied(),
        _ => None,
    };
    let sweeps = sweeps(&step.graph).map_err(fail)?;
    let node = number(fault.node);
    let objective = sweeps.iter().position(|(_, end)| node < *end);
    let objective = objective.and_then(|at| step.objectives.get(at));
    Ok(Some(Finding {
        backward: sweeps
            .iter()
            .any(|(start, end)| (*start..*end).contains(&node)),
        objective: objective.map(|objective| objective.origin),
        of_loss,
        input,
        fault,
    }))
}

fn number(node: NodeId) -> usize {
    node.as_u32() as usize
}

/// For each gradient of a graph, which nodes of the graph with gradients written out it becomes.
fn sweeps(graph: &Graph) -> Result<Vec<(usize, usize)>, String> {
    let mut ranges = Vec::new();
    let mut copied = Rewriter::new(graph);
    for (_, data) in graph.nodes() {
        let is_gradient = matches!(data.node, Node::Gradient { .. });
        let start = match is_gradient {
            true => crate::grad::expand(&copied.graph)?.node_count(),
            false => 0,
        };
        copied.copy(graph, data);
        if is_gradient {
            ranges.push((start, crate::grad::expand(&copied.graph)?.node_count()));
        }
    }
    Ok(ranges)
}

impl Finding {
    /// The message with what was found.
    fn tell(&self, diagnostic: Diagnostic, program: &Program, step: &StepGraph) -> Diagnostic {
        let objective = self.objective.unwrap_or(step.origin);
        let place = if is_known(self.fault.origin) {
            self.fault.origin
        } else {
            objective
        };
        let mut diagnostic = diagnostic;
        if let Some(first) = diagnostic.labels.first_mut() {
            first.span = place;
        }
        if let Some(slot) = self.input {
            return self.tell_of_input(diagnostic, program, slot);
        }
        let blame = blame::blame(&self.fault);
        diagnostic = diagnostic.here(self.here(blame.as_ref()));
        for operand in &self.fault.operands {
            diagnostic = tell_of_operand(diagnostic, operand, place);
        }
        if let Some(loss) = self.objective
            && (loss.file != place.file || loss.end <= place.start || loss.start >= place.end)
        {
            diagnostic = diagnostic.label(loss, "in the step that minimizes this");
        }
        if let Some(turn) = self.fault.turn {
            diagnostic = diagnostic.note(format!("in turn {turn} of the scan, counted from 0"));
        }
        let cause = blame.map_or(Cause::Other, |blame| blame.cause);
        diagnostic.help(blame::mend(&cause, self.backward))
    }

    /// What is said at the operation.
    fn here(&self, blame: Option<&Blame>) -> String {
        let of = match self.backward {
            true => "the gradient of this gives the first number that is not finite",
            false => "the first result that is not finite",
        };
        let Some(blame) = blame else {
            return of.into();
        };
        let at = match &blame.point[..] {
            [] => String::new(),
            point => format!(" at {point:?}"),
        };
        let formula = blame::formula(&blame.cause);
        let formula = formula.map_or(String::new(), |formula| format!(", {formula}"));
        format!("{of}: {}{at}{formula}", shown(blame.value))
    }

    fn tell_of_input(&self, diagnostic: Diagnostic, program: &Program, slot: SlotId) -> Diagnostic {
        let data = program.slot(slot);
        let tensor = &self.fault.result;
        let elements = (0..tensor.len()).filter_map(|at| tensor.get(at));
        let count = elements.filter(|element| !element.is_finite()).count();
        let (at, value) = first_bad(tensor).unwrap_or((0, f64::NAN));
        let point = blame::point_of(at, tensor.shape());
        let what = match (&data.field, data.kind) {
            (Some(field), _) => format!("the field `{}` of the data", field.name),
            (None, SlotKind::Data) => format!("the data `{}`", data.name),
            (None, SlotKind::OptimizerState) => format!("the optimizer's `{}`", data.name),
            (
                None,
                SlotKind::Parameter
                | SlotKind::State
                | SlotKind::Binding
                | SlotKind::Hyper
                | SlotKind::Counter,
            ) => {
                format!("`{}`", data.name)
            }
        };
        let help = match data.kind {
            SlotKind::Data => {
                "take these rows out of the data or fill them in; a table does it by `|> drop_missing` or `|> fill_missing(\"median\")`"
            }
            SlotKind::Parameter
            | SlotKind::State
            | SlotKind::OptimizerState
            | SlotKind::Binding
            | SlotKind::Hyper
            | SlotKind::Counter => "look at where it is computed",
        };
        let many = if count == 1 { "number" } else { "numbers" };
        diagnostic
            .here("computed from what is not finite")
            .note(format!(
                "{what}, {}, holds {count} {many} of {} that are not finite, the first at {point:?}: {}",
                tensor.ty(),
                tensor.len(),
                shown(value)
            ))
            .help(help)
    }
}

/// Whether a place is one of a source.
fn is_known(span: Span) -> bool {
    span.end > span.start
}

/// Says in which range an operand lies, where it is computed if that is a place of its own.
fn tell_of_operand(diagnostic: Diagnostic, operand: &Operand, culprit: Span) -> Diagnostic {
    let text = range(&operand.tensor);
    let known = diagnostic
        .labels
        .iter()
        .any(|label| label.span == operand.origin);
    if is_known(operand.origin) && operand.origin != culprit && !known {
        diagnostic.label(operand.origin, text)
    } else {
        diagnostic.note(match operand.name.as_str() {
            "" | "captured" => format!("an operand: {text}"),
            name => format!("the operand `{name}`: {text}"),
        })
    }
}

/// Type and range of a tensor.
fn range(tensor: &Tensor) -> String {
    let (mut least, mut greatest, mut bad) = (f64::INFINITY, f64::NEG_INFINITY, 0);
    for element in (0..tensor.len()).filter_map(|at| tensor.get(at)) {
        if element.is_finite() {
            (least, greatest) = (least.min(element), greatest.max(element));
        } else {
            bad += 1;
        }
    }
    let mut text = tensor.ty().to_string();
    if least == greatest {
        text += &format!(", {}", float(least));
    } else if least < greatest {
        text += &format!(", min {}, max {}", float(least), float(greatest));
    }
    if bad > 0 {
        text += &format!(", {bad} not finite");
    }
    text
}
