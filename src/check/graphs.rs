//! The graphs being built: the open step (a *segment* of the program between two actions of the host) and the bodies of scans inside it.
use super::Checker;
use super::program::{Application, Instr, Objective, SlotData, SlotId, SlotKind, StepGraph};
use super::values::{DimNames, TensorVal, Val};
use crate::base::source::{Sources, Span};
use crate::base::tensor::Tensor;
use crate::base::types::{DType, Type};
use crate::tir::{Graph, Node, Value};
use std::collections::{BTreeMap, HashMap};

/// A graph being built.
#[derive(Default)]
pub struct OpenGraph {
    /// The graph.
    pub graph: Graph,
    /// For the body of a scan: the inputs that stand for values of the graph around, in order.
    pub captured: Vec<(Value, Value)>,
    /// Number of this graph among all that were opened.
    pub epoch: usize,
    /// How many of its nodes were found within the limits.
    pub looked_at: usize,
}

/// The step being built: what the slots hold at this point of it.
#[derive(Default)]
pub struct Segment {
    /// Open graphs, the step first, then bodies of scans.
    pub open: Vec<OpenGraph>,
    /// Slots read so far, in order of the graph's inputs.
    pub inputs: Vec<SlotId>,
    /// What each slot holds now, read or written.
    pub current: HashMap<SlotId, TensorVal>,
    /// What each parameter held earlier in the step, before it was written.
    pub earlier: HashMap<SlotId, Vec<TensorVal>>,
    /// Slots written.
    pub written: BTreeMap<SlotId, Span>,
    /// What the host does after the step has run.
    pub after: Vec<Instr>,
    /// The statements.
    pub origin: Option<Span>,
    /// What is minimized in it, where that is written, and whether by a `minimize` of the program.
    pub objectives: Vec<(TensorVal, Span, bool)>,
    /// The applications of layers and functions, in the order in which they began.
    pub applications: Vec<Application>,
    /// Those that have not ended.
    pub applying: Vec<usize>,
}

impl Checker<'_> {
    /// Adds a slot.
    pub fn new_slot(
        &mut self,
        name: impl Into<String>,
        ty: Type,
        kind: SlotKind,
        initial: Option<Tensor>,
    ) -> SlotId {
        self.program.slots.push(SlotData {
            name: name.into(),
            ty,
            kind,
            initial,
            field: None,
        });
        SlotId(self.program.slots.len() as u32 - 1)
    }

    /// The innermost open graph.
    pub fn graph(&mut self) -> &mut Graph {
        if self.segment.open.is_empty() {
            self.open_graph();
        }
        let last = self.segment.open.len() - 1;
        &mut self.segment.open[last].graph
    }

    /// Opens a graph inside the present one.
    pub fn open_graph(&mut self) {
        self.graphs_opened += 1;
        self.segment.open.push(OpenGraph {
            epoch: self.graphs_opened,
            ..OpenGraph::default()
        });
    }

    /// Depth of the innermost open graph.
    pub fn depth(&mut self) -> usize {
        self.graph();
        self.segment.open.len() - 1
    }

    /// A value of the innermost graph as a tensor.
    pub fn tensor(&mut self, value: Value, dims: DimNames) -> TensorVal {
        let depth = self.depth();
        TensorVal {
            value,
            depth,
            epoch: self.segment.open[depth].epoch,
            dims,
        }
    }

    /// Whether a tensor belongs to a graph that is open: a value of a step that has ended is none of this one's.
    pub fn is_live(&self, tensor: &TensorVal) -> bool {
        let open = self.segment.open.get(tensor.depth);
        open.is_some_and(|open| open.epoch == tensor.epoch)
    }

    /// The type of a tensor.
    pub fn type_of(&self, tensor: &TensorVal) -> Type {
        match self.segment.open.get(tensor.depth) {
            Some(open) if open.epoch == tensor.epoch => open.graph.ty(tensor.value).clone(),
            _ => Type::scalar(DType::F32),
        }
    }

    /// The tensor as a value of the innermost graph: captured, through every graph between, if it belongs to one around.
    pub fn here(&mut self, tensor: &TensorVal) -> Value {
        let depth = self.depth();
        let mut value = tensor.value;
        for level in tensor.depth + 1..=depth {
            let ty = self.segment.open[level - 1].graph.ty(value).clone();
            let inner = &mut self.segment.open[level];
            value = match inner.captured.iter().find(|(outer, _)| *outer == value) {
                Some((_, known)) => *known,
                None => {
                    let input = inner.graph.input("captured", ty);
                    inner.captured.push((value, input));
                    input
                }
            };
        }
        value
    }

    /// What a slot holds at this point.
    pub fn read_slot(&mut self, slot: SlotId, dims: &DimNames) -> TensorVal {
        self.graph();
        if let Some(current) = self.segment.current.get(&slot) {
            return TensorVal {
                dims: dims.clone(),
                ..current.clone()
            };
        }
        let tensor = match self.gathered.get(&slot) {
            Some(&(whole, Some(rows))) => self.gather(whole, rows, dims),
            Some(&(whole, None)) => self.entry_value(whole, dims),
            None => self.entry_value(slot, dims),
        };
        self.segment.current.insert(slot, tensor.clone());
        tensor
    }

    /// A field of a batch: `out[b, ...] = whole[rows[b], ...]`. The step itself takes the rows from where the data lie.
    fn gather(&mut self, whole: SlotId, rows: SlotId, dims: &DimNames) -> TensorVal {
        let whole = self.entry_value(whole, &Vec::new());
        let rows = self.entry_value(rows, &Vec::new());
        let outer = &mut self.segment.open[0];
        let value = outer.graph.gather_rows(whole.value, rows.value);
        TensorVal {
            value,
            depth: 0,
            epoch: outer.epoch,
            dims: dims.clone(),
        }
    }

    /// What a slot holds when the step begins.
    pub fn entry_value(&mut self, slot: SlotId, dims: &DimNames) -> TensorVal {
        self.graph();
        let data = &self.program.slots[slot.0 as usize];
        let (name, ty) = (data.name.clone(), data.ty.clone());
        let known = self.segment.inputs.iter().position(|input| *input == slot);
        let outer = &mut self.segment.open[0];
        let value = match known.and_then(|at| outer.graph.inputs.get(at)) {
            Some(input) => input.value,
            None => {
                self.segment.inputs.push(slot);
                outer.graph.input(name, ty)
            }
        };
        TensorVal {
            value,
            depth: 0,
            epoch: outer.epoch,
            dims: dims.clone(),
        }
    }

    /// Gives a slot a new value.
    pub fn write_slot(&mut self, slot: SlotId, mut tensor: TensorVal, origin: Span) {
        if self.program.slot(slot).kind == SlotKind::Parameter {
            // What a parameter becomes is a new start: later gradients do not go through its update.
            let ty = self.type_of(&tensor);
            let inner = self.here(&tensor);
            let value = self
                .graph()
                .add(Node::StopGradient(inner), vec![ty], origin)[0];
            tensor = self.tensor(value, tensor.dims);
        }
        let before = self.segment.current.insert(slot, tensor);
        if let Some(before) = before
            && self.program.slot(slot).kind == SlotKind::Parameter
        {
            self.segment.earlier.entry(slot).or_default().push(before);
        }
        self.segment.written.insert(slot, origin);
        self.segment.origin.get_or_insert(origin);
    }

    /// A slot that holds this tensor once the step has run.
    pub fn export(&mut self, name: &str, tensor: TensorVal, origin: Span) -> SlotId {
        let ty = self.type_of(&tensor);
        let slot = self.new_slot(name, ty, SlotKind::Binding, None);
        self.write_slot(slot, tensor, origin);
        slot
    }

    /// Ends the step: its graph runs, then the host does what was put off.
    pub fn flush(&mut self) {
        let mut segment = std::mem::take(&mut self.segment);
        if let Some(open) = segment.open.first_mut() {
            let mut outputs = Vec::new();
            for &slot in segment.written.keys() {
                if let Some(tensor) = segment.current.get(&slot) {
                    open.graph.outputs.push(tensor.value);
                    outputs.push(slot);
                }
            }
            if !outputs.is_empty() {
                let origin = segment.origin.unwrap_or_default();
                let name = format!("step at {}", self.sources.location(origin));
                let graph = std::mem::take(&mut open.graph);
                #[cfg(debug_assertions)]
                if let Err(why) = crate::tir::verify::verify(&graph) {
                    let message = format!("fault of the compiler: {why}");
                    let help = "please report it together with the program";
                    self.error::<()>("E0699", origin, message, help).ok();
                }
                let number = self.program.graphs.len();
                let objectives = objectives(&segment, &outputs, &self.sources);
                self.program.graphs.push(StepGraph {
                    name,
                    graph,
                    inputs: segment.inputs,
                    outputs,
                    origin,
                    objectives,
                    applications: segment.applications,
                });
                self.program.code.push(Instr::Run(number));
            }
        }
        self.program.code.append(&mut segment.after);
    }

    /// A value as a tensor of the innermost graph, if it is one or can serve as one.
    pub fn as_tensor(&mut self, value: &Val) -> Option<TensorVal> {
        match value {
            Val::Tensor(tensor) => self.is_live(tensor).then(|| tensor.clone()),
            Val::Slot(slot, dims) => Some(self.read_slot(*slot, dims)),
            Val::Hyper(slot, _) => Some(self.read_slot(*slot, &Vec::new())),
            Val::Num(number) => {
                let float = self.float;
                let value = self
                    .graph()
                    .splat(float, number.value(), &[], Span::default());
                Some(self.tensor(value, Vec::new()))
            }
            Val::Bool(truth) => {
                let value = self.graph().splat(
                    DType::Bool,
                    f64::from(u8::from(*truth)),
                    &[],
                    Span::default(),
                );
                Some(self.tensor(value, Vec::new()))
            }
            Val::List(_) => self.list_tensor(value, None),
            _ => None,
        }
    }
}

/// The objectives of a step, each with the slot that holds it once the step has run, if one does.
fn objectives(segment: &Segment, outputs: &[SlotId], sources: &Sources) -> Vec<Objective> {
    let kept = |tensor: &TensorVal| {
        let mut outputs = outputs.iter().copied();
        outputs.find(|slot| {
            segment
                .current
                .get(slot)
                .is_some_and(|now| now.depth == 0 && now.value == tensor.value)
        })
    };
    let top = segment
        .objectives
        .iter()
        .filter(|(tensor, ..)| tensor.depth == 0);
    top.map(|(tensor, origin, by_hand)| Objective {
        value: tensor.value,
        slot: kept(tensor),
        origin: *origin,
        by_hand: *by_hand,
        text: one_line(sources.snippet(*origin)),
        place: sources.location(*origin),
    })
    .collect()
}

/// Most characters of an expression that names a curve.
const MOST_OF_TEXT: usize = 40;

/// An expression without its line ends and comments, cut where it is long.
fn one_line(text: &str) -> String {
    // A sign of comments within a string is none.
    let lines = text.lines().map(|line| match line.split_once('#') {
        Some((before, _)) if !before.contains('"') => before,
        Some(_) | None => line,
    });
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    match line.char_indices().nth(MOST_OF_TEXT) {
        None => line,
        Some(_) => {
            let short: String = line.chars().take(MOST_OF_TEXT - 3).collect();
            format!("{}...", short.trim_end())
        }
    }
}
