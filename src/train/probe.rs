//! Finds the first operation of a graph whose result is not finite.
//!
//! The graph is taken as it is written, with its gradients and without any pass, so that one node is one operation of the source. It runs
//! natively: after each node a small reduction says whether its result is finite, and only these answers leave the graph, so it needs no
//! more memory than any run of its nodes. A scan that is at fault is gone through turn by turn in the same way. What led to the fault is
//! then computed once more, to be shown.
use super::RunError;
use super::compile::{CompileOptions, compile};
use super::values;
use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::base::types::{DType, Type, strides};
use crate::check::program::{Program, SlotData, SlotId, SlotKind, StepGraph};
use crate::pass::PIPELINE;
use crate::pass::dce::dce;
use crate::pass::rewrite::Rewriter;
use crate::runtime::{Call, CallSpace, Store};
use crate::tir::build::map;
use crate::tir::{
    Affine, Body, Comprehension, Graph, Inst, Node, NodeId, Op, Read, Reducer, Scan, Value,
};
use rustc_hash::{FxHashMap, FxHashSet};

/// What an answer says of a tensor: nothing, that an element is infinite, that one is NaN.
const INFINITE: f64 = 1.0;
const NAN: f64 = 2.0;

/// Where the numbers of a graph go wrong.
#[derive(Debug)]
pub(super) struct Fault {
    /// The node, in the graph that was given.
    pub node: NodeId,
    /// What it computes; for a scan, the node of its body that is at fault.
    pub culprit: Node,
    /// The source it comes from.
    pub origin: Span,
    /// Its result.
    pub result: Tensor,
    /// What it reads, in order, each once.
    pub operands: Vec<Operand>,
    /// The turn of the scan around it.
    pub turn: Option<usize>,
    /// Whether a target is NaN; else one is infinite.
    pub leads_to_nan: bool,
}

/// What an operation at fault reads.
#[derive(Debug)]
pub(super) struct Operand {
    /// In the graph of the culprit.
    pub value: Value,
    /// The name of an input of the graph; empty for what is computed.
    pub name: String,
    /// Where it is computed.
    pub origin: Span,
    /// Its elements.
    pub tensor: Tensor,
}

/// A graph compiled as it stands, with slots of its own.
struct Native {
    call: Call,
    space: CallSpace,
    store: Store,
    inputs: usize,
    outputs: Vec<Type>,
}

impl Native {
    fn new(graph: &Graph, options: &CompileOptions) -> Result<Native, RunError> {
        let graph = dce(graph);
        let outputs: Vec<Type> = graph.outputs.iter().map(|&v| graph.ty(v).clone()).collect();
        let types = graph.inputs.iter().map(|input| &input.ty).chain(&outputs);
        let slots = types.map(|ty| SlotData {
            name: String::new(),
            ty: ty.clone(),
            kind: SlotKind::Binding,
            initial: None,
            field: None,
        });
        let slots: Vec<SlotData> = slots.collect();
        let numbers = |range: std::ops::Range<usize>| range.map(|at| SlotId(at as u32)).collect();
        let inputs = graph.inputs.len();
        let program = Program {
            graphs: vec![StepGraph {
                name: "check of a step".into(),
                inputs: numbers(0..inputs),
                outputs: numbers(inputs..slots.len()),
                origin: Span::default(),
                objectives: Vec::new(),
                applications: Vec::new(),
                graph,
            }],
            slots,
            ..Program::default()
        };
        let options = CompileOptions {
            skip: PIPELINE.iter().map(|pass| pass.name.into()).collect(),
            ..options.clone()
        };
        let compiled = compile(&program, &options)?;
        let space = compiled.space();
        let call = compiled.calls.into_iter().next();
        Ok(Native {
            call: call.ok_or_else(|| fault("nothing was compiled"))?,
            space,
            store: Store::zeroed(program.slots.iter().map(|slot| slot.ty.bytes())),
            inputs,
            outputs,
        })
    }

    fn run(&mut self, inputs: &[&[u8]]) -> Result<(), RunError> {
        for (at, from) in inputs.iter().enumerate() {
            let into = self.store.bytes_mut(at);
            if into.len() != from.len() {
                return Err(fault("an input of another size"));
            }
            into.copy_from_slice(from);
        }
        let result = self.call.run(&mut self.store, &mut self.space);
        result.map_err(|failure| super::refused::out_of_range(&self.call, failure))
    }

    fn bytes(&self, output: usize) -> &[u8] {
        self.store.bytes(self.inputs + output)
    }

    fn tensor(&self, output: usize) -> Tensor {
        values::tensor(&self.outputs[output], self.bytes(output))
    }
}

fn fault(why: &str) -> RunError {
    RunError::fault("check of a step", Span::default(), why)
}

/// The first operation whose result is not finite on the way to one of `targets` that is not; `None` where all of them are finite.
///
/// # Errors
/// A fault of the compiler, or an index out of range.
pub(super) fn first_fault(
    graph: &Graph,
    inputs: &[&[u8]],
    targets: &[Value],
    options: &CompileOptions,
) -> Result<Option<Fault>, RunError> {
    let (flagged, values) = with_flags(graph, targets, &[]);
    let mut native = Native::new(&flagged, options)?;
    native.run(inputs)?;
    let found = answers(&native, &values, 0);
    drop(native);
    let Some(node) = choose(graph, &found, targets) else {
        return Ok(None);
    };
    let is_nan = |value| found.get(value).is_some_and(|answer| *answer >= NAN);
    let leads_to_nan = targets.iter().any(is_nan);
    let operands = graph.node(node).node.operands();
    let (seen, read) = observe(graph, node, &operands, inputs, options)?;
    if let Node::Scan(scan) = &graph.node(node).node
        && let Some(inner) = inside(scan, &read, options)?
    {
        return Ok(Some(Fault {
            node,
            leads_to_nan,
            ..inner
        }));
    }
    Ok(Some(Fault {
        leads_to_nan,
        ..seen
    }))
}

/// The answers of a run, by value; `first` is the number of the first answer among the outputs.
fn answers(native: &Native, values: &[Value], first: usize) -> FxHashMap<Value, f64> {
    let answer = |at: usize| values::number(DType::I32, native.bytes(first + at), 0);
    let all = values.iter().enumerate();
    all.map(|(at, &value)| (value, answer(at)))
        .filter(|(_, answer)| *answer >= INFINITE)
        .collect()
}

/// The graph with other outputs: the values `kept`, then an answer for each float on the way to `targets`; and what these are about.
fn with_flags(graph: &Graph, targets: &[Value], kept: &[Value]) -> (Graph, Vec<Value>) {
    let mut wanted: FxHashSet<Value> = targets.iter().copied().collect();
    for (_, data) in graph.nodes().rev() {
        if data.results.iter().any(|value| wanted.contains(value)) {
            wanted.extend(data.node.operands());
        }
    }
    let mut rewriter = Rewriter::new(graph);
    let (mut values, mut outputs) = (Vec::new(), Vec::new());
    for (_, data) in graph.nodes() {
        rewriter.copy(graph, data);
        for &value in data.results.iter().filter(|value| wanted.contains(value)) {
            if graph.ty(value).dtype.is_float() {
                let image = rewriter.image(value);
                outputs.push(flag(&mut rewriter.graph, image));
                values.push(value);
            }
        }
    }
    let kept = kept.iter().map(|&value| rewriter.image(value));
    rewriter.graph.outputs = kept.chain(outputs).collect();
    (rewriter.graph, values)
}

/// `max[r...] (if x != x: 2, else if x * 0 != 0: 1, else 0)`: only an infinite number times 0 is not 0.
fn flag(graph: &mut Graph, value: Value) -> Value {
    let ty = graph.ty(value).clone();
    let mut body = Body::default();
    let x = body.push(Inst::Read(0));
    let zero = body.constant(ty.dtype, 0.0);
    let product = body.op(Op::Mul, &[x, zero]);
    let is_number = body.op(Op::Eq, &[x, x]);
    let is_finite = body.op(Op::Eq, &[product, zero]);
    let answers = [0.0, INFINITE, NAN].map(|answer| body.constant(DType::I32, answer));
    let finite = body.op(Op::Select, &[is_finite, answers[0], answers[1]]);
    body.result = body.op(Op::Select, &[is_number, finite, answers[2]]);
    let read = Read::affine(value, ty.dtype, (0..ty.shape.len()).map(Affine::index));
    let comprehension = Comprehension {
        reducer: (!ty.shape.is_empty()).then_some(Reducer::Max),
        reduce: ty.shape,
        ..map(&[], vec![read], body, DType::I32)
    };
    graph.comprehension(comprehension, Span::default())
}

/// The first node at fault among those that lead, through results that are not finite, to a target that is not.
///
/// Infinite numbers elsewhere, such as those of a mask that an exponential makes 0, are not on that way. Where a number was written as
/// infinite, what only hands it on is not at fault either.
fn choose(graph: &Graph, found: &FxHashMap<Value, f64>, targets: &[Value]) -> Option<NodeId> {
    let mut way: FxHashSet<Value> = FxHashSet::default();
    let mut pending: Vec<Value> = targets.to_vec();
    while let Some(value) = pending.pop() {
        if found.contains_key(&value) && way.insert(value) {
            pending.extend(graph.defining(value).node.operands());
        }
    }
    let mut nodes: Vec<NodeId> = way.iter().map(|&value| graph.definition(value)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut meant: FxHashSet<Value> = FxHashSet::default();
    for &id in &nodes {
        let data = graph.node(id);
        let is_nan = |value: &Value| found.get(value).is_some_and(|answer| *answer >= NAN);
        let operands = data.node.operands();
        let mut bad = operands.iter().filter(|value| found.contains_key(value));
        let carried = bad.clone().count() > 0 && bad.all(|value| meant.contains(value));
        if (carried || writes_infinity(&data.node)) && !data.results.iter().any(is_nan) {
            meant.extend(&data.results);
        } else {
            return Some(id);
        }
    }
    // All of it was written so.
    nodes.first().copied()
}

/// Whether an infinite number stands in the node itself.
fn writes_infinity(node: &Node) -> bool {
    let in_body = |body: &Body, reads: &[Read]| {
        let constants = body.insts.iter().filter_map(|inst| match inst {
            Inst::Const(literal) => Some(literal.value),
            Inst::Read(_) | Inst::Index(_) | Inst::Op(..) => None,
        });
        let mut all = constants.chain(reads.iter().map(|read| read.fill.value));
        all.any(|value| !value.is_finite())
    };
    match node {
        Node::Constant(elements) => elements.iter().any(|element| !element.is_finite()),
        Node::Comprehension(c) => in_body(&c.body, &c.reads),
        Node::Scatter(s) => in_body(&s.body, &s.reads),
        Node::Input(_)
        | Node::Reshape(_)
        | Node::Concat(..)
        | Node::Scan(_)
        | Node::Region(_)
        | Node::Gradient { .. }
        | Node::StopGradient(_) => false,
    }
}

/// Runs what leads to a node: the fault with its first bad result, and `wanted` as they are.
fn observe(
    graph: &Graph,
    node: NodeId,
    wanted: &[Value],
    inputs: &[&[u8]],
    options: &CompileOptions,
) -> Result<(Fault, Vec<Tensor>), RunError> {
    let data = graph.node(node);
    let mut shown = graph.clone();
    shown.outputs = wanted.to_vec();
    shown.outputs.extend(&data.results);
    let mut native = Native::new(&shown, options)?;
    native.run(inputs)?;
    let read: Vec<Tensor> = (0..wanted.len()).map(|at| native.tensor(at)).collect();
    let results = (0..data.results.len()).map(|at| native.tensor(wanted.len() + at));
    let results: Vec<Tensor> = results.collect();
    let bad = |tensor: &&Tensor| {
        let mut elements = (0..tensor.len()).filter_map(|at| tensor.get(at));
        elements.any(|element| !element.is_finite())
    };
    let result = results.iter().find(bad).or(results.first()).cloned();
    let mut operands: Vec<Operand> = Vec::new();
    for (&value, tensor) in wanted.iter().zip(&read) {
        if operands.iter().all(|known| known.value != value) {
            let input = graph.inputs.iter().find(|input| input.value == value);
            operands.push(Operand {
                value,
                name: input.map_or(String::new(), |input| input.name.clone()),
                origin: graph.defining(value).origin,
                tensor: tensor.clone(),
            });
        }
    }
    let fault = Fault {
        node,
        culprit: data.node.clone(),
        origin: data.origin,
        result: result.ok_or_else(|| fault("a node without results"))?,
        operands,
        turn: None,
        leads_to_nan: false,
    };
    Ok((fault, read))
}

/// The fault in the first turn of a scan in which one appears. `operands` are those of the node in order.
fn inside(
    scan: &Scan,
    operands: &[Tensor],
    options: &CompileOptions,
) -> Result<Option<Fault>, RunError> {
    let body = &*scan.body;
    let count = scan.states.len();
    let next = body.outputs.get(..count).unwrap_or_default();
    let (flagged, values) = with_flags(body, &body.outputs, next);
    let mut native = Native::new(&flagged, options)?;
    let mut states: Vec<Vec<u8>> = operands.iter().take(count).map(Tensor::bytes).collect();
    let captured: Vec<Vec<u8>> = operands
        .iter()
        .skip(count + scan.sequences.len())
        .map(Tensor::bytes)
        .collect();
    for turn in 0..scan.length {
        let at = if scan.reverse {
            scan.length - 1 - turn
        } else {
            turn
        };
        let mut inputs = vec![(at as i32).to_ne_bytes().to_vec()];
        inputs.append(&mut states);
        let sequences = operands.iter().skip(count).zip(&scan.sequences);
        inputs.extend(sequences.map(|(tensor, (_, axis))| slice(tensor, *axis, at)));
        inputs.extend(captured.iter().cloned());
        let given: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        native.run(&given)?;
        let found = answers(&native, &values, count);
        if let Some(node) = choose(body, &found, &body.outputs) {
            let wanted = body.node(node).node.operands();
            let (seen, read) = observe(body, node, &wanted, &given, options)?;
            let inner = match &body.node(node).node {
                Node::Scan(scan) => inside(scan, &read, options)?,
                Node::Input(_)
                | Node::Constant(_)
                | Node::Comprehension(_)
                | Node::Reshape(_)
                | Node::Concat(..)
                | Node::Scatter(_)
                | Node::Region(_)
                | Node::Gradient { .. }
                | Node::StopGradient(_) => None,
            };
            return Ok(Some(Fault {
                turn: Some(at),
                ..inner.unwrap_or(seen)
            }));
        }
        states = (0..count)
            .map(|state| native.bytes(state).to_vec())
            .collect();
    }
    Ok(None)
}

/// The elements at position `at` along an axis, which vanishes.
fn slice(tensor: &Tensor, axis: usize, at: usize) -> Vec<u8> {
    let bytes = tensor.bytes();
    let (shape, size) = (tensor.shape(), tensor.dtype().size());
    let row = strides(shape).get(axis).map_or(0, |stride| stride * size);
    let length = shape.get(axis).copied().unwrap_or(1);
    let rows = bytes.chunks_exact(row.max(1));
    rows.skip(at)
        .step_by(length.max(1))
        .flatten()
        .copied()
        .collect()
}
