//! What `check` makes of a source: a host plan and the tensor graphs that it runs.
//!
//! The plan is an explicit machine: its whole state is the position in [`Program::code`], the slots, and the batch iterators; so it can be
//! saved and restored between any two instructions.
use crate::base::data::DataSet;
use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::base::types::Type;
use crate::tir::{Graph, Value};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A host-visible tensor of static type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u32);

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// A parameter: saved, learned.
    Parameter,
    /// A layer's state: saved, not learned.
    State,
    /// An optimiser's state: part of checkpoints, not of saved weights.
    OptimizerState,
    /// A tensor bound by the program.
    Binding,
    /// A hyper-parameter.
    Hyper,
    /// A field of a data set or of its current batch.
    Data,
    /// A counter or sum of the plan.
    Counter,
}

/// A slot.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotData {
    /// The parameter's stable path (`net.dense_1.W`), or a name for listings.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// What it holds.
    pub kind: SlotKind,
    /// Its value before the first instruction; zeros where there is none.
    pub initial: Option<Tensor>,
    /// For a whole field of a data set: where it lies. Such a slot is read in place and never written.
    pub field: Option<Field>,
}

/// A field of a part of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Position in [`Program::data`].
    pub data: usize,
    /// The part.
    pub part: String,
    /// The field.
    pub name: String,
}

/// A tensor graph and the slots that it reads and writes.
#[derive(Debug, Clone, PartialEq)]
pub struct StepGraph {
    /// What it is for: `minimize at model.dlm:12`, `init net.dense_1.W`.
    pub name: String,
    /// The graph, with `gradient` nodes.
    pub graph: Graph,
    /// One slot per input.
    pub inputs: Vec<SlotId>,
    /// One slot per output. A slot that is also an input is updated: the graph reads the old version and writes the new one.
    pub outputs: Vec<SlotId>,
    /// The statements it comes from.
    pub origin: Span,
    /// What its gradients descend, in order.
    pub objectives: Vec<Objective>,
    /// The applications of layers and functions that it was written out from, each after the one around it.
    pub applications: Vec<Application>,
}

/// An application of a layer or function.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// What is applied.
    pub name: String,
    /// The path of the instance, for a layer.
    pub path: Option<String>,
    /// The application around it, as a position in the list.
    pub parent: Option<usize>,
    /// Where the instance was made, or the function called.
    pub written: Span,
    /// The tensors given to it.
    pub inputs: Vec<Traced>,
    /// What it gives.
    pub results: Vec<Traced>,
    /// Numbers of the graph's nodes that were added meanwhile.
    pub nodes: Range<usize>,
}

/// A tensor at the border of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// The name of the argument, where one is written.
    pub name: Option<String>,
    /// The value in the step's graph.
    pub value: Value,
    /// The names of its dimensions.
    pub dims: Vec<Option<Arc<str>>>,
}

/// What a training step minimizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The scalar, as a value of the graph.
    pub value: Value,
    /// The slot that keeps it.
    pub slot: Option<SlotId>,
    /// The expression, or the setting of a `train`.
    pub origin: Span,
    /// Whether a `minimize` of the program wants it, and not a `train`, which tells of its losses itself.
    pub by_hand: bool,
    /// The expression as it is written, in one line and not too long.
    pub text: String,
    /// Where it stands: `model.dlm:8:14`.
    pub place: String,
}

/// A part of what `print` and messages write.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A tensor.
    Value {
        /// Which.
        slot: SlotId,
        /// Digits after the point, where written.
        precision: Option<usize>,
        /// `%` or `e`, where written.
        style: Option<char>,
        /// Least width, where written.
        width: Option<usize>,
    },
    /// An `i32` tensor of tokens as the characters of a vocabulary.
    Characters {
        /// The tokens.
        slot: SlotId,
        /// The character of each token.
        vocabulary: Arc<Vec<char>>,
    },
}

/// An instruction of the host plan. Targets are positions in the code.
#[derive(Debug, Clone, PartialEq)]
pub enum Instr {
    /// Runs a graph once.
    Run(usize),
    /// Runs a graph several times with nothing for the host to do between; `turn` counts from 0.
    RunTimes {
        /// The graph.
        graph: usize,
        /// How often.
        times: u64,
        /// The `i32` slot that holds the turn.
        turn: SlotId,
    },
    /// Sets an `i32` scalar.
    SetInt {
        /// Which.
        slot: SlotId,
        /// The value.
        value: i32,
    },
    /// Adds to an `i32` scalar.
    AddInt {
        /// Which.
        slot: SlotId,
        /// What.
        value: i32,
    },
    /// Sets a scalar of any type.
    SetFloat {
        /// Which.
        slot: SlotId,
        /// The value.
        value: f64,
    },
    /// Goes on elsewhere.
    Jump(usize),
    /// Goes on elsewhere if a scalar is zero (or false).
    JumpIfZero {
        /// The scalar.
        slot: SlotId,
        /// Where.
        target: usize,
    },
    /// Goes on elsewhere if an `i32` scalar is at least `limit`.
    JumpIfAtLeast {
        /// The scalar.
        slot: SlotId,
        /// The limit.
        limit: i32,
        /// Where.
        target: usize,
    },
    /// Copies a slot to another of the same type.
    Copy {
        /// From.
        from: SlotId,
        /// To.
        to: SlotId,
    },
    /// Writes a line to standard output.
    Print(Vec<Piece>),
    /// Stops the program with a message if a scalar is zero (or any element of a tensor is).
    Assert {
        /// What must hold.
        condition: SlotId,
        /// What is said where it does not.
        message: Vec<Piece>,
        /// The statement.
        origin: Span,
    },
    /// Writes slots to a safetensors file, whole or not at all.
    Save {
        /// Names in the file and slots.
        entries: Vec<(String, SlotId)>,
        /// The file, relative to the program's folder.
        file: String,
        /// The statement.
        origin: Span,
    },
    /// Reads slots from a safetensors or npz file; every entry must be there with its shape.
    Load {
        /// Names in the file and slots.
        entries: Vec<(String, SlotId)>,
        /// The file, relative to the program's folder.
        file: String,
        /// The statement.
        origin: Span,
    },
    /// Draws a slot as a line (rank 1), several lines (rank 2) or a number, to an SVG file.
    Plot {
        /// What.
        slot: SlotId,
        /// The file, relative to the program's folder.
        file: String,
        /// The statement.
        origin: Span,
    },
    /// Starts walking a data set in batches.
    OpenBatches {
        /// Number of the iterator, below [`Program::iterators`].
        iterator: usize,
        /// Position in [`Program::data`].
        data: usize,
        /// The part.
        part: String,
        /// The order is a function of this seed and the epoch; `None`: as stored.
        shuffle: Option<u64>,
        /// The `i32` slot that counts the epochs, for the order.
        epoch: SlotId,
    },
    /// Takes the next `size` rows, or goes on elsewhere if fewer are left.
    NextBatch {
        /// The iterator.
        iterator: usize,
        /// Rows.
        size: usize,
        /// The `i32` slot for the rows' positions in the set, where graphs gather by it.
        rows: Option<SlotId>,
        /// Fields that the host itself wants, and the slots that they are copied to.
        fields: Vec<(String, SlotId)>,
        /// Where to go when fewer rows are left.
        otherwise: usize,
    },
    /// `into += value * weight` (all scalars; `into` is `f64`).
    Accumulate {
        /// The sum.
        into: SlotId,
        /// The scalar added.
        value: SlotId,
        /// Its weight.
        weight: f64,
    },
    /// `into = sum / weight` (`sum` is `f64`).
    Mean {
        /// The result, an `f32` or `f64` scalar.
        into: SlotId,
        /// The sum.
        sum: SlotId,
        /// The weight.
        weight: f64,
    },
    /// Says that a training epoch begins: what follows is timed.
    EpochBegin {
        /// The `i32` slot that holds the epoch, from 0.
        epoch: SlotId,
        /// How many there are.
        epochs: usize,
        /// Training steps in one.
        steps: usize,
    },
    /// One training step is done; its loss.
    StepDone {
        /// The loss.
        loss: SlotId,
    },
    /// Reports an epoch: one line with these values and the time.
    EpochEnd {
        /// The `i32` slot that holds the epoch, from 0.
        epoch: SlotId,
        /// How many there are.
        epochs: usize,
        /// Labels and scalar slots.
        values: Vec<(String, SlotId)>,
    },
    /// If `value` is better than `best`: remembers it, saves `entries` to `file` where one is given, sets `since` to 0; else adds 1 to
    /// `since` and goes to `target` if it has reached `patience`.
    Watch {
        /// The scalar watched.
        value: SlotId,
        /// The `f64` scalar with the best value so far.
        best: SlotId,
        /// The `i32` scalar with the number of epochs since.
        since: SlotId,
        /// Whether larger is better.
        larger: bool,
        /// After how many epochs without a better value to stop.
        patience: Option<usize>,
        /// Where to go then.
        target: usize,
        /// What is saved on a better value.
        save: Option<(Vec<(String, SlotId)>, String)>,
        /// The setting.
        origin: Span,
    },
}

/// A checked program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    /// The slots.
    pub slots: Vec<SlotData>,
    /// The graphs.
    pub graphs: Vec<StepGraph>,
    /// The plan.
    pub code: Vec<Instr>,
    /// The data sets.
    pub data: Vec<Arc<DataSet>>,
    /// How many batch iterators the plan uses.
    pub iterators: usize,
    /// The folder that paths of the program start from.
    pub base_dir: String,
    /// The subscripts of index notation that only a run knows, each with the size of the dimension that it must lie in.
    pub computed: BTreeSet<(Span, usize)>,
}

impl Program {
    /// A slot.
    pub fn slot(&self, id: SlotId) -> &SlotData {
        &self.slots[id.0 as usize]
    }

    /// The whole tensor of a field; `None` where the data have no such field.
    pub fn field(&self, field: &Field) -> Option<&Tensor> {
        self.data
            .get(field.data)?
            .part(&field.part)?
            .field(&field.name)
    }

    /// Slots of a kind, in order.
    pub fn slots_of(&self, kind: SlotKind) -> impl Iterator<Item = (SlotId, &SlotData)> {
        self.slots
            .iter()
            .enumerate()
            .filter(move |(_, slot)| slot.kind == kind)
            .map(|(at, slot)| (SlotId(at as u32), slot))
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, slot) in self.slots.iter().enumerate() {
            writeln!(f, "s{at}: {:?} {} \"{}\"", slot.kind, slot.ty, slot.name)?;
        }
        for (at, step) in self.graphs.iter().enumerate() {
            let list = |slots: &[SlotId]| {
                slots
                    .iter()
                    .map(SlotId::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            writeln!(
                f,
                "\ngraph {at} \"{}\" ({}) -> ({})",
                step.name,
                list(&step.inputs),
                list(&step.outputs)
            )?;
            write!(f, "{}", step.graph)?;
        }
        writeln!(f)?;
        for (at, instr) in self.code.iter().enumerate() {
            writeln!(f, "{at:4} {instr:?}")?;
        }
        Ok(())
    }
}
