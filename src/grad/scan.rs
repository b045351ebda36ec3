//! The gradient of a scan: a scan that walks the other way, its states the gradients of the forward states.
//!
//! The forward scan also stacks what the backward one reads: the states before each turn, and values that are dear to compute; cheap
//! elementwise work is done again. The body's gradient is the reverse sweep over the body ([`super::reverse`]). What it adds to captured
//! values and sequences leaves the loop where it can ([`super::lift`]); else it is added up in a state of its own.
use super::Copy;
use super::cell::is_expensive;
use super::flow::{useful_body, varied_body};
use super::lift::{Lift, Target, liftable, lifted};
use super::reverse::{Reverse, add_up};
use crate::base::source::Span;
use crate::base::types::Type;
use crate::tir::{Graph, Inst, Node, NodeData, NodeId, Scan, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// Where a value of the backward body is found outside of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The number of the turn.
    Turn,
    /// A captured value of the forward scan.
    Captured(usize),
    /// A sequence of the forward scan.
    Sequence(usize),
    /// A result of the forward scan that stacks the value over this axis.
    Saved(usize, usize),
    /// The gradient of a result of the forward scan, which is a stack over this axis.
    Cotangent(usize, usize),
    /// A stack of the backward scan, over axis 0.
    Stacked(usize),
    /// A value without operands, made again outside.
    Again(Box<NodeData>, Type),
}

/// How the gradient of one scan is computed.
pub struct Plan {
    /// The forward scan with what it saves.
    forward: Scan,
    saved: Vec<Type>,
    /// The backward body; inputs: turn, gradients of `states`, `accumulators`, `sequences`, `captured`.
    body: Graph,
    /// The forward states that carry a gradient.
    states: Vec<usize>,
    /// Captured values whose gradient is added up in a state.
    accumulators: Vec<(usize, Type)>,
    sequences: Vec<(Source, usize)>,
    captured: Vec<usize>,
    /// Axis of each stack of the backward scan and its type.
    stacks: Vec<(usize, Type)>,
    /// Which sequence's gradient a stack is: the first stacks in order.
    sequence_parts: Vec<usize>,
    lifts: Vec<Lift>,
}

/// Adds the forward scan that saves; its first results stand for the old one's.
pub fn add_forward(copy: &mut Copy, old: &Graph, data: &NodeData, plan: &Plan) -> NodeId {
    let mut types: Vec<Type> = data
        .results
        .iter()
        .map(|&value| old.ty(value).clone())
        .collect();
    types.extend(plan.saved.iter().cloned());
    let node = Node::Scan(plan.forward.clone());
    let results = copy.graph.add(node, types, data.origin);
    copy.set(&data.results, &results);
    copy.graph.definition(results[0])
}

fn stacked(ty: &Type, axis: usize, length: usize) -> Type {
    let mut ty = ty.clone();
    ty.shape.insert(axis, length);
    ty
}

/// Plans the gradient of a scan, given which operands vary and which results are wanted.
pub fn plan(scan: &Scan, varied: &[bool], useful: &[bool]) -> Result<Plan, String> {
    let varied = varied_body(scan, varied);
    let useful = useful_body(scan, useful);
    let inputs: Vec<Value> = scan.body.inputs.iter().map(|input| input.value).collect();
    let outputs = &scan.body.outputs;
    let count = scan.states.len();
    let states: Vec<usize> = (0..count)
        .filter(|&at| {
            let (before, after) = (inputs[1 + at], outputs[at]);
            varied.contains(&before) && (useful.contains(&before) || useful.contains(&after))
        })
        .collect();
    let stacks: Vec<usize> = (count..outputs.len())
        .filter(|&at| varied.contains(&outputs[at]) && useful.contains(&outputs[at]))
        .collect();
    let wanted: Vec<Value> = states
        .iter()
        .map(|&at| inputs[1 + at])
        .chain(inputs[1 + count..].iter().copied())
        .filter(|value| varied.contains(value))
        .collect();
    let targets: Vec<Value> = states
        .iter()
        .chain(&stacks)
        .map(|&at| outputs[at])
        .collect();
    let reverse = Reverse::new(&scan.body, &targets, &wanted)?;
    Planner::new(scan, reverse, states, stacks).plan(&wanted)
}

struct Planner<'a> {
    scan: &'a Scan,
    reverse: Reverse,
    states: Vec<usize>,
    origin: Span,
    /// What is known of the inputs of the working graph.
    known: FxHashMap<Value, Source>,
    /// Inputs of the working graph that become states of the backward scan.
    state_seeds: Vec<Value>,
    saved: Vec<Value>,
    stacked: Vec<Value>,
}

impl<'a> Planner<'a> {
    fn new(scan: &'a Scan, mut reverse: Reverse, states: Vec<usize>, stacks: Vec<usize>) -> Self {
        let mut known = FxHashMap::default();
        let first = 1 + scan.states.len();
        for (at, input) in scan.body.inputs.iter().enumerate() {
            let source = match at {
                0 => Source::Turn,
                _ if at < first => continue,
                _ if at < first + scan.sequences.len() => Source::Sequence(at - first),
                _ => Source::Captured(at - first - scan.sequences.len()),
            };
            known.insert(reverse.image(input.value), source);
        }
        let seed = |reverse: &mut Reverse, output: usize, name: &str| {
            let output = reverse.image(scan.body.outputs[output]);
            let ty = reverse.graph.ty(output).clone();
            let input = reverse.graph.input(name, ty);
            reverse.seed(output, input);
            input
        };
        let state_seeds: Vec<Value> = states
            .iter()
            .map(|&at| seed(&mut reverse, at, "state_gradient"))
            .collect();
        for &at in &stacks {
            let input = seed(&mut reverse, at, "stack_gradient");
            let axis = scan.stacks[at - scan.states.len()];
            known.insert(input, Source::Cotangent(at, axis));
        }
        Planner {
            scan,
            reverse,
            states,
            origin: Span::default(),
            known,
            state_seeds,
            saved: Vec::new(),
            stacked: Vec::new(),
        }
    }

    fn plan(mut self, wanted: &[Value]) -> Result<Plan, String> {
        self.reverse.run()?;
        let inputs: Vec<Value> = self
            .scan
            .body
            .inputs
            .iter()
            .map(|input| input.value)
            .collect();
        let first = 1 + self.scan.states.len();
        let mut outputs: Vec<Value> = Vec::new();
        for at in self.states.clone() {
            let input = self.reverse.image(inputs[1 + at]);
            outputs.push(self.reverse.total_or_zero(input, self.origin));
        }
        let (mut accumulators, mut sums, mut lifts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut sequence_parts, mut sequence_values) = (Vec::new(), Vec::new());
        for (at, &value) in inputs.iter().enumerate().skip(first) {
            if !wanted.contains(&value) {
                continue;
            }
            let parts = self.reverse.parts(self.reverse.image(value));
            match at.checked_sub(first + self.scan.sequences.len()) {
                None => {
                    let sequence = at - first;
                    let target = Target::Sequence(sequence, self.scan.sequences[sequence].1);
                    let rest = self.lift_some(&parts, target, &mut lifts);
                    if let Some(total) = add_up(&mut self.reverse.graph, &rest, self.origin) {
                        sequence_parts.push(sequence);
                        sequence_values.push(total);
                    }
                }
                Some(captured) => {
                    let rest = self.lift_some(&parts, Target::Captured(captured), &mut lifts);
                    if !rest.is_empty() {
                        let ty = self.reverse.graph.ty(rest[0]).clone();
                        accumulators.push((captured, ty));
                        sums.push(rest);
                    }
                }
            }
        }
        let mut accumulator_inputs = Vec::new();
        for ((_, ty), mut rest) in accumulators.iter().zip(sums) {
            let input = self.reverse.graph.input("sum", ty.clone());
            accumulator_inputs.push(input);
            rest.insert(0, input);
            outputs.extend(add_up(&mut self.reverse.graph, &rest, self.origin));
        }
        let mut stacks: Vec<(usize, Type)> = Vec::new();
        for (&sequence, &value) in sequence_parts.iter().zip(&sequence_values) {
            let axis = self.scan.sequences[sequence].1;
            let ty = self.reverse.graph.ty(value).clone();
            stacks.push((axis, ty));
        }
        outputs.extend(sequence_values);
        for &value in &self.stacked {
            stacks.push((0, self.reverse.graph.ty(value).clone()));
        }
        outputs.extend(self.stacked.iter().copied());
        // The lifted contributions number the stacks made for them from 0.
        let shift = sequence_parts.len();
        lifts
            .iter_mut()
            .for_each(|lift: &mut Lift| lift.shift_stacks(shift));
        let needed = self.needed(&outputs);
        let (forward, saved) = self.forward();
        let (body, sequences, captured) =
            self.backward_body(&outputs, &needed, &accumulator_inputs);
        Ok(Plan {
            forward,
            saved,
            body,
            states: self.states,
            accumulators,
            sequences,
            captured,
            stacks,
            sequence_parts,
            lifts,
        })
    }

    /// Lifts the contributions that can leave the loop; gives back the others.
    fn lift_some(&mut self, parts: &[Value], target: Target, lifts: &mut Vec<Lift>) -> Vec<Value> {
        let mut rest = Vec::new();
        for &part in parts {
            let turns: Vec<Value> = self
                .known
                .iter()
                .filter(|(_, source)| **source == Source::Turn)
                .map(|(&value, _)| value)
                .collect();
            match liftable(&self.reverse.graph, part, target, &turns, self.scan.length) {
                Some(node) => {
                    let sources = node
                        .operands()
                        .into_iter()
                        .map(|value| (value, self.outside(value)))
                        .collect();
                    lifts.push(Lift {
                        target,
                        node,
                        sources,
                    });
                }
                None => rest.push(part),
            }
        }
        rest
    }

    fn is_forward(&self, value: Value) -> bool {
        let graph = &self.reverse.graph;
        (graph.definition(value).as_u32() as usize) < self.reverse.first_of_sweep()
    }

    /// Where a value of the working graph is found after the backward scan, stacking it if need be.
    fn outside(&mut self, value: Value) -> Source {
        if let Some(source) = self.known.get(&value) {
            return source.clone();
        }
        let graph = &self.reverse.graph;
        let data = graph.defining(value);
        let again = match &data.node {
            Node::Constant(_) => true,
            Node::Comprehension(c) => c.reads.is_empty(),
            _ => false,
        };
        if again {
            return Source::Again(Box::new(data.clone()), graph.ty(value).clone());
        }
        if self.is_forward(value) {
            return self.save(value);
        }
        let number = match self.stacked.iter().position(|&other| other == value) {
            Some(number) => number,
            None => {
                self.stacked.push(value);
                self.stacked.len() - 1
            }
        };
        Source::Stacked(number)
    }

    /// Has the forward scan stack a value, unless it does already.
    fn save(&mut self, value: Value) -> Source {
        if let Some(source) = self.known.get(&value) {
            return source.clone();
        }
        let count = self.scan.states.len();
        let there = self
            .scan
            .body
            .outputs
            .iter()
            .skip(count)
            .position(|&output| self.reverse.image(output) == value);
        let source = match there {
            Some(stack) => Source::Saved(count + stack, self.scan.stacks[stack]),
            None => {
                self.saved.push(value);
                Source::Saved(self.scan.body.outputs.len() + self.saved.len() - 1, 0)
            }
        };
        self.known.insert(value, source.clone());
        source
    }

    /// The values of the working graph that the backward body computes or reads; the forward ones among them that are dear are saved.
    fn needed(&mut self, outputs: &[Value]) -> FxHashSet<Value> {
        let mut needed: FxHashSet<Value> = outputs.iter().copied().collect();
        let ids: Vec<NodeId> = self.reverse.graph.nodes().map(|(id, _)| id).collect();
        for id in ids.into_iter().rev() {
            let data = self.reverse.graph.node(id);
            let wanted: Vec<Value> = data
                .results
                .iter()
                .copied()
                .filter(|value| needed.contains(value))
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let forward = (id.as_u32() as usize) < self.reverse.first_of_sweep();
            if forward && !is_cheap(&data.node) {
                wanted.into_iter().for_each(|value| {
                    if !self.state_seeds.contains(&value) {
                        self.save(value);
                    }
                });
            } else if !wanted.iter().all(|value| self.known.contains_key(value)) {
                needed.extend(data.node.operands());
            }
        }
        needed
    }

    /// The forward scan with what it saves as further stacks, and their types.
    fn forward(&self) -> (Scan, Vec<Type>) {
        let graph = &self.reverse.graph;
        let mut copy = Copy {
            graph: Graph::new(),
            image: FxHashMap::default(),
        };
        for input in &graph.inputs[..self.scan.body.inputs.len()] {
            let value = copy.graph.input(input.name.clone(), input.ty.clone());
            copy.set(&[input.value], &[value]);
        }
        for (_, data) in graph.nodes().take(self.reverse.first_of_sweep()) {
            if !matches!(data.node, Node::Input(_)) {
                let node = copy.translated(&data.node);
                copy.replace(graph, data, node);
            }
        }
        let outputs: Vec<Value> = self
            .scan
            .body
            .outputs
            .iter()
            .map(|&value| self.reverse.image(value))
            .chain(self.saved.iter().copied())
            .collect();
        copy.graph.outputs = copy.images(&outputs);
        let mut forward = self.scan.clone();
        *forward.body = copy.graph;
        forward.stacks.extend(self.saved.iter().map(|_| 0));
        let types = self
            .saved
            .iter()
            .map(|&value| stacked(graph.ty(value), 0, self.scan.length));
        (forward, types.collect())
    }

    /// The backward body, its sequences, and the captured values that it reads.
    fn backward_body(
        &self,
        outputs: &[Value],
        needed: &FxHashSet<Value>,
        accumulators: &[Value],
    ) -> (Graph, Vec<(Source, usize)>, Vec<usize>) {
        let graph = &self.reverse.graph;
        let mut copy = Copy {
            graph: Graph::new(),
            image: FxHashMap::default(),
        };
        let add = |copy: &mut Copy, value: Value, name: &str| {
            let new = copy.graph.input(name, graph.ty(value).clone());
            copy.set(&[value], &[new]);
        };
        add(&mut copy, graph.inputs[0].value, "turn");
        for &value in &self.state_seeds {
            add(&mut copy, value, "state_gradient");
        }
        for &value in accumulators {
            add(&mut copy, value, "sum");
        }
        let mut known: Vec<(Value, &Source)> = self
            .known
            .iter()
            .filter(|(value, _)| needed.contains(value))
            .map(|(&value, source)| (value, source))
            .collect();
        known.sort_by_key(|pair| pair.0);
        let (mut sequences, mut captured) = (Vec::new(), Vec::new());
        for &(value, source) in &known {
            let axis = match source {
                Source::Sequence(number) => self.scan.sequences[*number].1,
                Source::Saved(_, axis) | Source::Cotangent(_, axis) => *axis,
                Source::Turn | Source::Captured(_) | Source::Stacked(_) | Source::Again(..) => {
                    continue;
                }
            };
            add(&mut copy, value, "sequence");
            sequences.push((source.clone(), axis));
        }
        for &(value, source) in &known {
            if let Source::Captured(number) = source {
                add(&mut copy, value, "captured");
                captured.push(*number);
            }
        }
        for (_, data) in graph.nodes() {
            let made = data
                .results
                .iter()
                .any(|value| needed.contains(value) && !copy.image.contains_key(value));
            if made && !matches!(data.node, Node::Input(_)) {
                let known: Vec<(Value, Value)> = data
                    .results
                    .iter()
                    .filter_map(|value| copy.image.get(value).map(|&new| (*value, new)))
                    .collect();
                let node = copy.translated(&data.node);
                copy.replace(graph, data, node);
                copy.image.extend(known);
            }
        }
        copy.graph.outputs = copy.images(outputs);
        (copy.graph, sequences, captured)
    }
}

/// Whether doing a forward node again is better than saving it.
fn is_cheap(node: &Node) -> bool {
    match node {
        Node::Constant(_) | Node::Reshape(_) | Node::StopGradient(_) => true,
        Node::Comprehension(c) => {
            c.reducer.is_none()
                && c.body.insts.iter().all(|inst| match inst {
                    Inst::Op(op, _) => !is_expensive(*op),
                    Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => true,
                })
        }
        Node::Input(_)
        | Node::Concat(..)
        | Node::Scatter(_)
        | Node::Scan(_)
        | Node::Region(_)
        | Node::Gradient { .. } => false,
    }
}

impl Plan {
    /// Adds the backward scan and what leaves it; gives for each operand of the forward scan (`data`) parts of its gradient.
    pub fn backward(
        &self,
        graph: &mut Graph,
        data: &NodeData,
        cotangents: &[Option<Value>],
    ) -> Vec<(Value, Value)> {
        let Node::Scan(forward) = &data.node else {
            return Vec::new();
        };
        let origin = data.origin;
        let cotangent = |graph: &mut Graph, at: usize| match cotangents.get(at) {
            Some(Some(value)) => *value,
            _ => {
                let ty = graph.ty(data.results[at]).clone();
                graph.splat(ty.dtype, 0.0, &ty.shape, origin)
            }
        };
        let mut states: Vec<Value> = self.states.iter().map(|&at| cotangent(graph, at)).collect();
        for (_, ty) in &self.accumulators {
            states.push(graph.splat(ty.dtype, 0.0, &ty.shape, origin));
        }
        let mut types: Vec<Type> = states
            .iter()
            .map(|&value| graph.ty(value).clone())
            .collect();
        let outer = |graph: &mut Graph, source: &Source, results: &[Value]| match source {
            Source::Turn => None,
            Source::Captured(number) => Some((forward.captured[*number], None)),
            Source::Sequence(number) => {
                let (value, axis) = forward.sequences[*number];
                Some((value, Some(axis)))
            }
            Source::Saved(result, axis) => Some((data.results[*result], Some(*axis))),
            Source::Cotangent(result, axis) => Some((cotangent(graph, *result), Some(*axis))),
            Source::Stacked(number) => Some((results[*number], Some(0))),
            Source::Again(data, ty) => {
                let value = graph.add(data.node.clone(), vec![ty.clone()], data.origin)[0];
                Some((value, None))
            }
        };
        let mut sequences = Vec::new();
        for (source, _) in &self.sequences {
            if let Some((value, Some(axis))) = outer(graph, source, &[]) {
                sequences.push((value, axis));
            }
        }
        types.extend(
            self.stacks
                .iter()
                .map(|(axis, ty)| stacked(ty, *axis, forward.length)),
        );
        let node = Node::Scan(Scan {
            length: forward.length,
            reverse: !forward.reverse,
            states,
            sequences,
            captured: self
                .captured
                .iter()
                .map(|&number| forward.captured[number])
                .collect(),
            stacks: self.stacks.iter().map(|(axis, _)| *axis).collect(),
            body: Box::new(self.body.clone()),
        });
        let results = graph.add(node, types, origin);
        let mut parts: Vec<(Value, Value)> = Vec::new();
        let operands = self.states.iter().map(|&at| forward.states[at]);
        let sums = self
            .accumulators
            .iter()
            .map(|(number, _)| forward.captured[*number]);
        parts.extend(operands.chain(sums).zip(results.iter().copied()));
        let stacks = &results[self.states.len() + self.accumulators.len()..];
        for (&sequence, &stack) in self.sequence_parts.iter().zip(stacks) {
            parts.push((forward.sequences[sequence].0, stack));
        }
        for lift in &self.lifts {
            let operand = match lift.target {
                Target::Captured(number) => forward.captured[number],
                Target::Sequence(number, _) => forward.sequences[number].0,
            };
            let sources: FxHashMap<Value, Option<(Value, Option<usize>)>> = lift
                .sources
                .iter()
                .map(|(value, source)| (*value, outer(graph, source, stacks)))
                .collect();
            let ty = graph.ty(operand).clone();
            let node = lifted(&lift.node, lift.target, &sources, forward.length);
            parts.push((operand, graph.add(node, vec![ty], origin)[0]));
        }
        parts
    }
}
