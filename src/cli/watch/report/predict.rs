//! What a classifier says of its validation rows with the weights at the end of a run.
//!
//! The program is checked again with the application of its layer added, and only that graph runs. The result is shown only where its
//! accuracy is the one that the program itself measured.
use super::Facts;
use crate::base::source::Sources;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::Type;
use crate::check::program::{Instr, Program, SlotId, SlotKind, StepGraph};
use crate::cli::run::resolver;
use crate::data::FileProvider;
use crate::session::{self, Source};
use crate::train::Machine;
use std::collections::HashSet;
use std::sync::Arc;

/// Names that the added statements bind.
const INPUT: &str = "dlmc_input";
const OUTPUT: &str = "dlmc_output";

/// Rows that are predicted at a time.
const BATCH: usize = 128;

/// The label of the metric that makes a program a classifier.
const METRIC: &str = "val_accuracy";

/// The rows of a validation part and what was said of them.
pub struct Predictions {
    /// The rows.
    pub x: Tensor,
    /// The class of each.
    pub truth: Vec<usize>,
    /// The class that was predicted.
    pub said: Vec<usize>,
    /// Names of the classes, their numbers where they have no names.
    pub classes: Vec<String>,
}

impl Predictions {
    /// The share of rows that were predicted right.
    pub fn accuracy(&self) -> f64 {
        let pairs = self.truth.iter().zip(&self.said);
        let right = pairs.filter(|(truth, said)| truth == said).count();
        right as f64 / self.truth.len().max(1) as f64
    }
}

/// Where the last training of a program validates, and what it trains.
struct Validation {
    layer: String,
    data: usize,
    part: String,
}

/// The predictions for the last training; nothing for a program that is no classifier of rows.
pub fn predictions(facts: &Facts<'_>) -> Option<Predictions> {
    let mut labels = facts.history.current()?.last().iter();
    let measured = labels.find(|(label, _)| label == METRIC)?.1;
    let place = validation(facts.program)?;
    let set = facts.program.data.get(place.data)?;
    let table = set.part(&place.part)?;
    // A layer that takes a mask of lengths would be another function without it.
    if table.fields.len() != 2 {
        return None;
    }
    let (x, y) = (table.field("x")?, table.field("y")?.as_i32()?);
    let truth: Vec<usize> = y
        .iter()
        .filter_map(|&class| usize::try_from(class).ok())
        .collect();
    let (said, count) = said(facts, &place.layer, x)?;
    if truth.len() != y.len() || said.len() != y.len() || truth.iter().any(|&class| class >= count)
    {
        return None;
    }
    let names = set.classes.iter().find(|(field, _)| field == "y");
    let names = names.map_or(&[][..], |(_, names)| names);
    let name = |class: usize| {
        names
            .get(class)
            .cloned()
            .unwrap_or_else(|| class.to_string())
    };
    let found = Predictions {
        x: x.clone(),
        truth,
        said,
        classes: (0..count).map(name).collect(),
    };
    let same = (found.accuracy() - measured).abs() < 0.5 / y.len().max(1) as f64;
    same.then_some(found)
}

/// The last epoch of the plan that measures accuracy: between its steps and its end the validation part is walked.
fn validation(program: &Program) -> Option<Validation> {
    let measures = |instr: &Instr| match instr {
        Instr::EpochEnd { values, .. } => values.iter().any(|(label, _)| label == METRIC),
        _ => false,
    };
    let end = program.code.iter().rposition(measures)?;
    let before = program.code.get(..end)?;
    let is_begin = |instr: &Instr| matches!(instr, Instr::EpochBegin { .. });
    let epoch = before.get(before.iter().rposition(is_begin)?..)?;
    let opened = epoch.iter().filter_map(|instr| match instr {
        Instr::OpenBatches { data, part, .. } => Some((*data, part.clone())),
        _ => None,
    });
    let opened: Vec<(usize, String)> = opened.collect();
    let [_, (data, part)] = opened.as_slice() else {
        return None;
    };
    let mut layers: Vec<String> = Vec::new();
    for instr in epoch {
        let Instr::Run(graph) = instr else { continue };
        for &slot in &program.graphs.get(*graph)?.outputs {
            let slot = program.slot(slot);
            let (layer, _) = slot.name.split_once('.').unwrap_or((&slot.name, ""));
            if slot.kind == SlotKind::Parameter && layers.iter().all(|known| known != layer) {
                layers.push(layer.to_string());
            }
        }
    }
    let [layer] = layers.as_slice() else {
        return None;
    };
    Some(Validation {
        layer: layer.clone(),
        data: *data,
        part: part.clone(),
    })
}

/// The class of each row that the layer gives the highest score, and how many classes there are.
fn said(facts: &Facts<'_>, layer: &str, x: &Tensor) -> Option<(Vec<usize>, usize)> {
    let (rows, sizes) = x.shape().split_first()?;
    let batch = (*rows).min(BATCH);
    let mut shape = vec![batch];
    shape.extend(sizes);
    let (program, step, input, output) = applied(facts, layer, &shape)?;
    let [_, count] = program.slot(output).ty.shape[..] else {
        return None;
    };
    let mut machine = machine(facts, program, step)?;
    let width: usize = sizes.iter().product();
    let mut said = Vec::with_capacity(*rows);
    for first in (0..*rows).step_by(batch.max(1)) {
        // Rows behind the last one are the first ones again; nobody looks at what is said of them.
        let row = |row: usize| (first + row) % rows * width;
        let place = (0..batch).flat_map(|at| row(at)..row(at) + width);
        let values: Vec<f32> = place.filter_map(|at| Some(x.get(at)? as f32)).collect();
        let values = Tensor::new(shape.clone(), Elements::F32(values))?;
        if !machine.set_value(input, &values) {
            return None;
        }
        machine.step().ok()?;
        machine.step().ok()?;
        let scores = machine.value(output).to_f64();
        let wanted = batch.min(rows - first);
        said.extend(scores.chunks(count.max(1)).take(wanted).map(highest));
    }
    Some((said, count))
}

/// The place of the highest score, the first of equal ones.
fn highest(scores: &[f64]) -> usize {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        if scores.get(best).is_some_and(|best| score > best) {
            best = at;
        }
    }
    best
}

/// The program with the application of its layer to rows, the graph of that, and the slots of its input and output.
fn applied(
    facts: &Facts<'_>,
    layer: &str,
    shape: &[usize],
) -> Option<(Arc<Program>, StepGraph, SlotId, SlotId)> {
    let source = &facts.job.source;
    // The loop makes the application a graph of its own, which reads the parameters from their slots.
    let source = Source {
        text: format!(
            "{}\nlet {INPUT} = zeros{shape:?}\nlet {OUTPUT} = {layer}({INPUT})\nrepeat 2 {{\n    let {OUTPUT} = {layer}({INPUT})\n}}\nprint {OUTPUT}\n",
            source.text
        ),
        ..source.clone()
    };
    let settings = &facts.job.settings;
    let checked = session::checked(
        &source,
        &mut Sources::default(),
        &mut FileProvider::new(),
        settings,
    );
    let program = checked.program?;
    let step = program.graphs.iter().rev().find_map(|step| {
        let named = |slots: &[SlotId], name: &str| {
            let mut slots = slots.iter().copied();
            slots.find(|&slot| program.slot(slot).name == name)
        };
        let input = named(&step.inputs, INPUT)?;
        Some((step.clone(), input, named(&step.outputs, OUTPUT)?))
    });
    let (step, input, output) = step?;
    Some((program, step, input, output))
}

/// A machine that does nothing but apply the layer, again and again.
fn machine(facts: &Facts<'_>, extended: Arc<Program>, step: StepGraph) -> Option<Machine> {
    let wanted: HashSet<SlotId> = step.inputs.iter().chain(&step.outputs).copied().collect();
    let mut alone = Program {
        slots: extended.slots.clone(),
        graphs: vec![step],
        code: vec![Instr::Run(0), Instr::Jump(0)],
        base_dir: extended.base_dir.clone(),
        ..Program::default()
    };
    for (at, slot) in alone.slots.iter_mut().enumerate() {
        let id = SlotId(at as u32);
        if !wanted.contains(&id) {
            slot.ty = Type::new(slot.ty.dtype, vec![0]);
            (slot.initial, slot.field) = (None, None);
            continue;
        }
        if slot.field.is_some() {
            return None;
        }
        let trained = facts.program.slots.get(at);
        if trained.is_some_and(|other| other.name == slot.name && other.ty == slot.ty) {
            slot.initial = Some(facts.machine.value(id));
        }
    }
    let pool = facts.job.pool().ok()?;
    let compiled = session::compiled(&alone, &facts.job.settings, &pool).ok()?;
    let resolve = resolver(facts.job.source.base_dir.clone());
    session::machine(Arc::new(alone), Arc::new(compiled), resolve).ok()
}
