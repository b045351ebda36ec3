//! A run, step by step, with what is known of it beside the state of its machine: where it is, what each step computed, what it printed.
use super::identity::hex;
use crate::check::program::{Program, SlotId, SlotKind};
use crate::train::{Event, Machine, Noted, RunError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Where a run is, as people count: the epoch and step that were done last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// From 0.
    pub epoch: usize,
    /// How many there are; 0 before the first.
    pub epochs: usize,
    /// Steps done in the epoch.
    pub step: usize,
    /// How many there are.
    pub steps: usize,
    /// Whether the epoch has not ended.
    pub inside: bool,
    /// Training steps done in all.
    pub total: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}", self.total)?;
        if self.epochs > 0 {
            let (epoch, epochs) = (self.epoch + 1, self.epochs);
            let (step, steps) = (self.step, self.steps);
            write!(f, " (epoch {epoch}/{epochs}, its step {step}/{steps})")?;
        }
        Ok(())
    }
}

/// What a training step computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The bits of its loss as `f64`: a step of `train`.
    Loss(u64),
    /// A checksum of all that it updated: a step of a loop by hand.
    State(u32),
}

impl fmt::Display for Step {
    /// Digits that read back to the same bits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Loss(bits) => write!(f, "{:?}", f64::from_bits(*bits)),
            Step::State(sum) => write!(f, "state {sum:08x}"),
        }
    }
}

impl Step {
    /// Number of bytes of [`Step::bytes`].
    pub const SIZE: usize = 9;

    /// A tag and the number, little-endian.
    pub fn bytes(self) -> [u8; Step::SIZE] {
        let (tag, number) = match self {
            Step::Loss(bits) => (0, bits),
            Step::State(sum) => (1, u64::from(sum)),
        };
        let mut bytes = [tag; Step::SIZE];
        bytes[1..].copy_from_slice(&number.to_le_bytes());
        bytes
    }

    /// Reads [`Step::bytes`].
    pub fn read(bytes: [u8; Step::SIZE]) -> Option<Step> {
        let (&tag, number) = bytes.split_first()?;
        let number = u64::from_le_bytes(number.try_into().ok()?);
        match tag {
            0 => Some(Step::Loss(number)),
            1 => u32::try_from(number).ok().map(Step::State),
            _ => None,
        }
    }
}

/// The notes of a run.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// Where it is.
    pub place: Place,
    /// What each step computed, where that is wanted.
    pub record: Option<Vec<Step>>,
    /// A chain of hashes over the lines printed.
    pub output: [u8; 32],
    /// For each graph the slots that it updates, where parameters are among them.
    updates: Vec<Vec<SlotId>>,
    /// Training steps done, and updates that the machine counts, before what it did last.
    before: (u64, u64),
}

impl Journal {
    /// Notes of a run that has not begun; `record` says whether to keep what each step computes.
    pub fn new(program: &Program, record: bool) -> Journal {
        Journal {
            record: record.then(Vec::new),
            updates: program
                .graphs
                .iter()
                .map(|step| updated(program, &step.inputs, &step.outputs))
                .collect(),
            ..Journal::default()
        }
    }

    /// Runs one instruction of at most `turns` steps and notes what it did.
    ///
    /// # Errors
    /// What stopped the program.
    pub fn advance(&mut self, machine: &mut Machine, turns: u64) -> Result<Event, RunError> {
        // In an epoch the plan tells of each step itself. Elsewhere what a step computed is noted by a checksum of what it updated, which
        // is there only until the next.
        let outside = !self.place.inside;
        let single = outside && self.record.is_some();
        let learns = machine.next_graph().filter(|_| single);
        machine.limit_turns(if single { 1 } else { turns });
        let before = machine.times().updates;
        self.before = (self.place.total, before);
        let event = machine.step();
        if outside {
            self.place.total += machine.times().updates - before;
        }
        let event = event?;
        if let Some(graph) = learns
            && machine.times().updates > before
            && let Some(record) = &mut self.record
        {
            let slots = self.updates.get(graph);
            let slots = slots.map_or(&[] as &[SlotId], Vec::as_slice);
            record.push(Step::State(checksum(machine, slots)));
        }
        self.note(&event, machine.losses());
        Ok(event)
    }

    /// The losses of loops by hand in what the machine did last, each with the number of its training step.
    pub fn losses<'m>(&self, machine: &'m Machine) -> impl Iterator<Item = (u64, Noted)> + 'm {
        let (total, updates) = self.before;
        let noted = machine.noted().iter();
        noted.map(move |&noted| (total + noted.updates - updates, noted))
    }

    fn note(&mut self, event: &Event, losses: &[f64]) {
        let place = &mut self.place;
        match event {
            Event::None | Event::Warning(_) | Event::Finished => {}
            Event::Line(line) => {
                let mut hash = Sha256::new_with_prefix(self.output);
                hash.update(line);
                self.output = hash.finalize().into();
            }
            Event::EpochBegin {
                epoch,
                epochs,
                steps,
            } => {
                (place.epoch, place.epochs, place.step, place.steps) = (*epoch, *epochs, 0, *steps);
                place.inside = true;
            }
            Event::StepsDone { step, steps } => {
                (place.step, place.steps) = (step + 1, *steps);
                place.total += losses.len() as u64;
                if let Some(record) = &mut self.record {
                    record.extend(losses.iter().map(|loss| Step::Loss(loss.to_bits())));
                }
            }
            Event::EpochEnd(_) => place.inside = false,
        }
    }
}

/// The slots that a graph reads and writes, if a parameter is among them.
fn updated(program: &Program, inputs: &[SlotId], outputs: &[SlotId]) -> Vec<SlotId> {
    let both = outputs.iter().filter(|slot| inputs.contains(slot));
    let slots: Vec<SlotId> = both.copied().collect();
    let learns = |slot: &SlotId| program.slot(*slot).kind == SlotKind::Parameter;
    if slots.iter().any(learns) {
        slots
    } else {
        Vec::new()
    }
}

fn checksum(machine: &Machine, slots: &[SlotId]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    slots
        .iter()
        .for_each(|slot| sum.update(machine.bytes(*slot)));
    sum.finalize()
}

/// The hash of a tensor of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorHash {
    /// Its path in the program.
    pub name: String,
    /// Element type and sizes.
    pub r#type: String,
    /// SHA-256 of its elements, row-major, in the machine's order of bytes.
    pub sha256: String,
}

/// The parameters and states of all layers, as they are now.
pub fn weights(machine: &Machine) -> Vec<TensorHash> {
    let program = machine.program();
    let kinds = [SlotKind::Parameter, SlotKind::State];
    let slots = kinds.into_iter().flat_map(|kind| program.slots_of(kind));
    slots
        .map(|(id, slot)| TensorHash {
            name: slot.name.clone(),
            r#type: slot.ty.to_string(),
            sha256: hex(Sha256::digest(machine.bytes(id))),
        })
        .collect()
}

/// One hash of all tensors.
pub fn weights_hash(tensors: &[TensorHash]) -> String {
    let mut hash = Sha256::new();
    for tensor in tensors {
        hash.update(format!(
            "{} {} {}\n",
            tensor.name, tensor.r#type, tensor.sha256
        ));
    }
    hex(hash.finalize())
}
