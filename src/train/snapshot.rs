//! The state of a run as bytes: position, slots, batch iterators, counters. It is little-endian and belongs to one program on one data set.
use super::batches::{Batches, Walk};
use super::error::{RunError, STATE};
use super::machine::{Machine, Progress};
use crate::base::source::Span;
use crate::check::program::Program;
use std::time::{Duration, Instant};

const MAGIC: &[u8; 8] = b"dlmcrun1";
/// No epoch has more steps: the host counts them in an `i32`.
const MOST_STEPS: u64 = i32::MAX as u64;

impl Machine {
    /// The whole state between two instructions.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let elapsed = self.progress.before + self.epoch_start.elapsed();
        let numbers = [
            self.fingerprint(),
            self.position as u64,
            self.turns,
            self.progress.step,
            self.progress.steps,
            elapsed.as_nanos() as u64,
            self.iterators.len() as u64,
        ];
        numbers.iter().for_each(|&number| put(&mut out, number));
        for iterator in &self.iterators {
            match iterator {
                None => put(&mut out, 0),
                Some(batches) => {
                    let walk = batches.walk;
                    let (seed, epoch) = walk.shuffle.unwrap_or((0, 0));
                    put(&mut out, 1 + u64::from(walk.shuffle.is_some()));
                    for number in [walk.data as u64, walk.part as u64, seed, epoch] {
                        put(&mut out, number);
                    }
                    put(&mut out, walk.position as u64);
                }
            }
        }
        put(&mut out, self.store.len() as u64);
        for slot in 0..self.store.len() {
            let bytes = self.store.own_bytes(slot);
            put(&mut out, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        out
    }

    /// Goes back to a state that [`Machine::snapshot`] gave. On an error the machine is as before.
    ///
    /// # Errors
    /// Bytes that are no state, or the state of another program or of other data.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), RunError> {
        let broken = || {
            RunError::new(STATE, Span::default(), "the saved state is damaged")
                .help("start the run anew without it")
        };
        let mut reader = Reader(state);
        if reader.take(MAGIC.len()).ok_or_else(broken)? != MAGIC {
            return Err(broken());
        }
        if reader.number().ok_or_else(broken)? != self.fingerprint() {
            let message = "the saved state belongs to another program or other data";
            return Err(RunError::new(STATE, Span::default(), message)
                .help("resume with the program, settings and data that it was saved from"));
        }
        let state = read(&mut reader, &self.program, self.store.len()).ok_or_else(broken)?;
        let sizes_fit = state
            .slots
            .iter()
            .enumerate()
            .all(|(slot, bytes)| bytes.len() == self.store.own_bytes(slot).len());
        if !sizes_fit || !reader.0.is_empty() {
            return Err(broken());
        }
        for (slot, bytes) in state.slots.iter().enumerate() {
            self.store.bytes_mut(slot).copy_from_slice(bytes);
        }
        self.position = state.position;
        self.turns = state.turns;
        self.progress = state.progress;
        self.epoch_start = Instant::now();
        self.iterators = state.iterators;
        self.state_changed();
        Ok(())
    }

    /// Keeps the state in memory, in the place of an older one.
    pub(super) fn keep(&self, kept: &mut Kept) {
        kept.position = self.position;
        kept.turns = self.turns;
        kept.runs = self.times.runs;
        kept.progress = Progress {
            before: self.progress.before + self.epoch_start.elapsed(),
            ..self.progress
        };
        kept.iterators.clone_from(&self.iterators);
        kept.slots.resize_with(self.store.len(), Vec::new);
        for (slot, bytes) in kept.slots.iter_mut().enumerate() {
            bytes.clear();
            bytes.extend_from_slice(self.store.own_bytes(slot));
        }
    }

    /// Goes back to a state that this machine has kept.
    pub(super) fn go_back(&mut self, kept: &Kept) {
        for (slot, bytes) in kept.slots.iter().enumerate() {
            self.store.bytes_mut(slot).copy_from_slice(bytes);
        }
        self.position = kept.position;
        self.turns = kept.turns;
        self.progress = kept.progress;
        self.epoch_start = Instant::now();
        self.iterators.clone_from(&kept.iterators);
    }

    fn fingerprint(&self) -> u64 {
        *self.fingerprint.get_or_init(|| fingerprint(&self.program))
    }
}

/// A state in memory, of one machine and for it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    position: usize,
    turns: u64,
    /// Runs of graphs before it.
    pub(super) runs: u64,
    progress: Progress,
    iterators: Vec<Option<Batches>>,
    slots: Vec<Vec<u8>>,
}

struct State<'a> {
    position: usize,
    turns: u64,
    progress: Progress,
    iterators: Vec<Option<Batches>>,
    slots: Vec<&'a [u8]>,
}

fn read<'a>(reader: &mut Reader<'a>, program: &Program, slots: usize) -> Option<State<'a>> {
    let position = reader.number()? as usize;
    let turns = reader.number()?;
    let progress = Progress {
        step: reader.number()?,
        steps: reader.number()?,
        before: Duration::from_nanos(reader.number()?),
    };
    let counted = progress.step <= MOST_STEPS && progress.steps <= MOST_STEPS;
    if !counted || position > program.code.len() || reader.number()? != program.iterators as u64 {
        return None;
    }
    let iterators = (0..program.iterators)
        .map(|_| iterator(reader, program))
        .collect::<Option<_>>()?;
    if reader.number()? != slots as u64 {
        return None;
    }
    let slots = (0..slots)
        .map(|_| {
            let length = reader.number()? as usize;
            reader.take(length)
        })
        .collect::<Option<_>>()?;
    Some(State {
        position,
        turns,
        progress,
        iterators,
        slots,
    })
}

fn iterator(reader: &mut Reader<'_>, program: &Program) -> Option<Option<Batches>> {
    let kind = reader.number()?;
    if kind == 0 {
        return Some(None);
    }
    let (data, part) = (reader.number()? as usize, reader.number()? as usize);
    let (seed, epoch) = (reader.number()?, reader.number()?);
    let walk = Walk {
        data,
        part,
        shuffle: (kind == 2).then_some((seed, epoch)),
        position: reader.number()? as usize,
    };
    let table = program.data.get(data)?.parts.get(part)?.1.clone();
    Some(Some(Batches::new(walk, table)))
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let bytes = self.take(8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// A number that changes when the program or its data do (FNV-1a).
fn fingerprint(program: &Program) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for slot in &program.slots {
        add(format!("{:?} {} {:?}\n", slot.kind, slot.ty, slot.name).as_bytes());
    }
    // The names of graphs hold the path that the program was given by, which may be another one for the same file.
    for step in &program.graphs {
        add(format!("{:?} {:?} {}\n", step.inputs, step.outputs, step.graph).as_bytes());
    }
    for instr in &program.code {
        add(format!("{instr:?}\n").as_bytes());
    }
    for set in &program.data {
        for (part, table) in &set.parts {
            add(part.as_bytes());
            for (field, tensor) in &table.fields {
                add(field.as_bytes());
                add(tensor.ty().to_string().as_bytes());
                // A sample of the elements: large sets must not make a snapshot slow.
                let step = tensor.len().div_ceil(4096).max(1);
                for at in (0..tensor.len()).step_by(step) {
                    add(&tensor.get(at).unwrap_or(0.0).to_le_bytes());
                }
            }
        }
    }
    hash
}
