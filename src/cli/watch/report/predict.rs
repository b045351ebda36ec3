//! What a model says of its validation rows with the weights at the end of a run: classes, or one number each.
//!
//! The program is checked again with the application of its layer added, and only that graph runs. The result is shown only where what
//! it is worth is what the program itself measured.
use super::Facts;
use crate::base::source::Sources;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type};
use crate::check::program::{Instr, Program, SlotId, SlotKind, StepGraph};
use crate::cli::run::resolver;
use crate::data::FileProvider;
use crate::session::{self, Source};
use crate::train::Machine;
use std::collections::HashSet;
use std::sync::Arc;

/// Names that the added statements bind.
const INPUT: &str = "dlmc_input";
const MASK: &str = "dlmc_mask";
const OUTPUT: &str = "dlmc_output";

/// Rows that are predicted at a time.
const BATCH: usize = 128;

/// The rows of a validation part and what was said of them.
pub enum Predictions {
    /// Of a classifier.
    Classes(Classes),
    /// Of a model that gives each row a number.
    Values(Values),
}

/// Classes of rows.
pub struct Classes {
    /// The rows.
    pub x: Tensor,
    /// The class of each.
    pub truth: Vec<usize>,
    /// The class that was predicted.
    pub said: Vec<usize>,
    /// Names of the classes, their numbers where they have no names.
    pub classes: Vec<String>,
}

impl Classes {
    /// The share of rows that were predicted right.
    pub fn accuracy(&self) -> f64 {
        let pairs = self.truth.iter().zip(&self.said);
        let right = pairs.filter(|(truth, said)| truth == said).count();
        right as f64 / self.truth.len().max(1) as f64
    }
}

/// Numbers of rows.
pub struct Values {
    /// The rows.
    pub x: Tensor,
    /// The number of each.
    pub truth: Vec<f64>,
    /// The number that was predicted.
    pub said: Vec<f64>,
}

impl Values {
    fn mean(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        let pairs = self.truth.iter().zip(&self.said);
        let sum: f64 = pairs.map(|(&truth, &said)| of(truth, said)).sum();
        sum / self.truth.len().max(1) as f64
    }

    /// The mean of the squares of what was predicted wrong.
    pub fn mse(&self) -> f64 {
        self.mean(|truth, said| (truth - said).powi(2))
    }

    /// The mean of what was predicted wrong, without its sign.
    pub fn mae(&self) -> f64 {
        self.mean(|truth, said| (truth - said).abs())
    }

    /// Whether a value that the program measured is one of these.
    fn are_worth(&self, measured: f64) -> bool {
        let center = self.mean(|truth, _| truth);
        let spread = self.mean(|truth, _| (truth - center).powi(2));
        let known = [
            self.mse(),
            self.mae(),
            self.mse().sqrt(),
            1.0 - self.mse() / spread,
        ];
        known
            .iter()
            .any(|worth| (worth - measured).abs() <= 1e-3 * worth.abs().max(1e-6))
    }
}

/// Where the last training of a program validates, and what it trains.
struct Validation {
    layer: String,
    data: usize,
    part: String,
}

/// The predictions for the last training.
///
/// # Errors
/// What the program lacks for them; nothing where it is no training of rows, or its measures are its own.
pub fn predictions(facts: &Facts<'_>) -> Result<Predictions, Option<&'static str>> {
    let training = facts.history.current().ok_or(None)?;
    let last = training.last();
    if !last.iter().any(|(label, _)| label.starts_with("val_")) {
        return Err(Some(
            "a training that has a part to `validate` on gets its predictions here",
        ));
    }
    let measured = |name: &str| last.iter().find(|(label, _)| label == name).map(|v| v.1);
    let place = validation(facts.program).ok_or(None)?;
    let set = facts.program.data.get(place.data).ok_or(None)?;
    let table = set.part(&place.part).ok_or(None)?;
    let (Some(x), Some(y)) = (table.field("x"), table.field("y")) else {
        return Err(None);
    };
    let rows = Rows {
        x,
        lengths: table.field("lengths").and_then(Tensor::as_i32),
    };
    let others = table.fields.iter().filter(|(name, _)| name != "lengths");
    if others.count() != 2 {
        return Err(None);
    }
    let names = set.classes.iter().find(|(field, _)| field == "y");
    let names = names.map_or(&[][..], |(_, names)| names);
    let of_rows = |wanted: Wanted<'_>| {
        let (said, width) = said(facts, &place.layer, &rows)?;
        found(wanted, &rows, y, (&said, width))
    };
    if let Some(accuracy) = measured("val_accuracy") {
        return of_rows(Wanted::Class { accuracy, names }).ok_or(None);
    }
    if let Some(accuracy) = measured("val_binary_accuracy") {
        return of_rows(Wanted::Truth { accuracy, names }).ok_or(None);
    }
    if y.dtype() == DType::I32 {
        return Err(Some(
            "a classifier that has `metrics = [accuracy]` gets its confusion matrix here",
        ));
    }
    let worth: Vec<f64> = last
        .iter()
        .filter(|(label, _)| label.starts_with("val_"))
        .map(|(_, value)| *value)
        .collect();
    of_rows(Wanted::Value { worth: &worth }).ok_or(None)
}

/// What a training wants to be said of a row, and what it measured of it.
enum Wanted<'a> {
    /// The place of the highest score.
    Class { accuracy: f64, names: &'a [String] },
    /// A score above 0 where the target is 1.
    Truth { accuracy: f64, names: &'a [String] },
    /// The number itself.
    Value { worth: &'a [f64] },
}

/// The predictions made of a layer's results, so many for each row; nothing where they are worth something else than was measured.
fn found(
    wanted: Wanted<'_>,
    rows: &Rows<'_>,
    y: &Tensor,
    said: (&[f64], usize),
) -> Option<Predictions> {
    let (said, width) = said;
    let count = y.len();
    let whole = count > 0 && said.len() == count * width;
    let x = rows.x.clone();
    match wanted {
        Wanted::Class { accuracy, names } => {
            let truth = y.as_i32()?.iter().map(|&class| usize::try_from(class).ok());
            let truth: Vec<usize> = truth.collect::<Option<_>>()?;
            let inside = truth.iter().all(|&class| class < width);
            let said = said.chunks(width.max(1)).map(highest).collect();
            (whole && inside).then_some(())?;
            classes(
                Classes {
                    x,
                    truth,
                    said,
                    classes: called(names, width),
                },
                accuracy,
            )
        }
        Wanted::Truth { accuracy, names } => {
            let class = |above: bool| usize::from(above);
            let truth = y
                .to_f64()
                .into_iter()
                .map(|target| class(target > 0.5))
                .collect();
            let said = said.iter().map(|&score| class(score > 0.0)).collect();
            (whole && width == 1).then_some(())?;
            classes(
                Classes {
                    x,
                    truth,
                    said,
                    classes: called(names, 2),
                },
                accuracy,
            )
        }
        Wanted::Value { worth } => {
            (whole && width == 1).then_some(())?;
            let found = Values {
                x,
                truth: y.to_f64(),
                said: said.to_vec(),
            };
            let same = worth.iter().any(|&worth| found.are_worth(worth));
            same.then_some(Predictions::Values(found))
        }
    }
}

fn classes(found: Classes, measured: f64) -> Option<Predictions> {
    let rows = found.truth.len().max(1) as f64;
    let same = (found.accuracy() - measured).abs() < 0.5 / rows;
    same.then_some(Predictions::Classes(found))
}

/// Names of so many classes, their numbers where they have none.
fn called(names: &[String], count: usize) -> Vec<String> {
    let name = |class: usize| {
        names
            .get(class)
            .cloned()
            .unwrap_or_else(|| class.to_string())
    };
    (0..count).map(name).collect()
}

/// The rows that are asked about.
struct Rows<'a> {
    x: &'a Tensor,
    /// Of sequences: how many steps of each exist.
    lengths: Option<&'a [i32]>,
}

impl Rows<'_> {
    /// So many rows from one on. Rows behind the last one are the first ones again; nobody looks at what is said of them.
    fn batch(&self, first: usize, batch: usize) -> Option<Tensor> {
        let (rows, sizes) = self.x.shape().split_first()?;
        let width: usize = sizes.iter().product();
        let row = |at: usize| (first + at) % rows * width;
        let places = (0..batch).flat_map(|at| row(at)..row(at) + width);
        let values: Vec<f64> = places.map(|at| self.x.get(at)).collect::<Option<_>>()?;
        let elements = match self.x.dtype() {
            DType::I32 => Elements::I32(values.iter().map(|&value| value as i32).collect()),
            _ => Elements::F32(values.iter().map(|&value| value as f32).collect()),
        };
        let mut shape = vec![batch];
        shape.extend(sizes);
        Tensor::new(shape, elements)
    }

    /// Which steps of these rows exist.
    fn mask(&self, first: usize, batch: usize) -> Option<Tensor> {
        let (lengths, [rows, steps, ..]) = (self.lengths?, self.x.shape()) else {
            return None;
        };
        let exists = |at: usize| {
            let length = lengths.get((first + at) % rows).copied().unwrap_or(0);
            (0..*steps).map(move |step| u8::from((step as i64) < i64::from(length)))
        };
        let elements = Elements::Bool((0..batch).flat_map(exists).collect());
        Tensor::new([batch, *steps], elements)
    }
}

/// The last epoch of the plan that validates: between its steps and its end the validation part is walked.
fn validation(program: &Program) -> Option<Validation> {
    let measures = |instr: &Instr| match instr {
        Instr::EpochEnd { values, .. } => {
            let mut labels = values.iter().map(|(label, _)| label);
            labels.any(|label| label.starts_with("val_"))
        }
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

/// What the layer gives for each row, and how many numbers that are.
fn said(facts: &Facts<'_>, layer: &str, rows: &Rows<'_>) -> Option<(Vec<f64>, usize)> {
    let count = *rows.x.shape().first()?;
    let batch = count.min(BATCH);
    // A layer that takes a mask of lengths would be another function without it.
    let masked = rows
        .mask(0, batch)
        .and_then(|mask| Some((applied(facts, layer, rows, Some(mask.shape()))?, true)));
    let (applied, masked) = match masked {
        Some(found) => found,
        None => (applied(facts, layer, rows, None)?, false),
    };
    let width = applied.program.slot(applied.output).ty.len() / batch.max(1);
    let (input, mask, output) = (applied.input, applied.mask, applied.output);
    let mut machine = machine(facts, applied)?;
    let mut said = Vec::with_capacity(count * width);
    for first in (0..count).step_by(batch.max(1)) {
        if !machine.set_value(input, &rows.batch(first, batch)?) {
            return None;
        }
        if masked && !machine.set_value(mask?, &rows.mask(first, batch)?) {
            return None;
        }
        machine.step().ok()?;
        machine.step().ok()?;
        let wanted = batch.min(count - first) * width;
        said.extend(machine.value(output).to_f64().into_iter().take(wanted));
    }
    Some((said, width))
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

/// A program with the application of its layer to rows added.
struct Applied {
    program: Arc<Program>,
    /// The graph of that.
    step: StepGraph,
    input: SlotId,
    /// Where it takes one.
    mask: Option<SlotId>,
    output: SlotId,
}

fn applied(
    facts: &Facts<'_>,
    layer: &str,
    rows: &Rows<'_>,
    mask: Option<&[usize]>,
) -> Option<Applied> {
    let source = &facts.job.source;
    let (count, sizes) = rows.x.shape().split_first()?;
    let mut shape = vec![(*count).min(BATCH)];
    shape.extend(sizes);
    let zeros = match rows.x.dtype() {
        DType::I32 => format!("i32(zeros{shape:?})"),
        _ => format!("zeros{shape:?}"),
    };
    let (bound, argument) = match mask {
        Some(shape) => (
            format!("let {MASK} = zeros{shape:?} > 0\n"),
            format!(", mask = {MASK}"),
        ),
        None => Default::default(),
    };
    let call = format!("let {OUTPUT} = {layer}({INPUT}{argument})");
    // The loop makes the application a graph of its own, which reads the parameters from their slots.
    let source = Source {
        text: format!(
            "{}\nlet {INPUT} = {zeros}\n{bound}{call}\nrepeat 2 {{\n    {call}\n}}\nprint {OUTPUT}\n",
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
        let output = named(&step.outputs, OUTPUT)?;
        Some((step.clone(), input, named(&step.inputs, MASK), output))
    });
    let (step, input, mask, output) = step?;
    Some(Applied {
        program,
        step,
        input,
        mask,
        output,
    })
}

/// A machine that does nothing but apply the layer, again and again.
fn machine(facts: &Facts<'_>, applied: Applied) -> Option<Machine> {
    let (extended, step) = (applied.program, applied.step);
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
