//! The reverse sweep over a graph: each node, last to first, hands the gradient of its results on to its operands.
use super::cell::{Cell, is_expensive};
use super::flow::{Values, useful, varied};
use super::scan::{self, Plan};
use super::turn::turned;
use super::{Copy, Size, TOO_MANY_TERMS};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::ops::simplify;
use crate::tir::build::map;
use crate::tir::{
    Affine, Body, Comprehension, Graph, Guard, Inst, Literal, Node, NodeData, NodeId, Op, Order,
    Read, Reducer, Scatter, Subscript, Value,
};
use rustc_hash::FxHashMap;

/// How many contributions one node adds up.
const ADDENDS: usize = 8;

/// A sweep under way.
pub struct Reverse {
    /// The graph, to which the sweep adds nodes.
    pub graph: Graph,
    image: FxHashMap<Value, Value>,
    /// The values that carry a gradient.
    active: Values,
    plans: FxHashMap<NodeId, Plan>,
    parts: FxHashMap<Value, Vec<Value>>,
    last: usize,
    size: Size,
}

impl Reverse {
    /// Prepares the sweep from `targets` to `wanted`: scans on the way save what their gradients read. Values of the given graph are
    /// found again through [`Reverse::image`].
    pub fn new(graph: &Graph, targets: &[Value], wanted: &[Value]) -> Result<Reverse, String> {
        let from = varied(graph, wanted);
        let to = useful(graph, targets);
        let active: Values = from.intersection(&to).copied().collect();
        let mut copy = Copy::new(graph);
        let mut plans = FxHashMap::default();
        for (_, data) in graph.nodes() {
            match copy.translated(&data.node) {
                Node::Input(_) => {}
                Node::Scan(scan) if data.results.iter().any(|value| active.contains(value)) => {
                    let varied: Vec<bool> = data
                        .node
                        .operands()
                        .iter()
                        .map(|value| from.contains(value))
                        .collect();
                    let useful: Vec<bool> = data
                        .results
                        .iter()
                        .map(|value| to.contains(value))
                        .collect();
                    let plan = scan::plan(&scan, &varied, &useful)?;
                    let id = scan::add_forward(&mut copy, graph, data, &plan);
                    plans.insert(id, plan);
                }
                node => copy.replace(graph, data, node),
            }
        }
        let active = active.iter().map(|&value| copy.image(value)).collect();
        let image = std::mem::take(&mut copy.image);
        let mut new = copy.graph;
        new.outputs = graph
            .outputs
            .iter()
            .map(|value| image.get(value).copied().unwrap_or(*value))
            .collect();
        Ok(Reverse {
            last: new.node_count(),
            size: Size::default(),
            graph: new,
            image,
            active,
            plans,
            parts: FxHashMap::default(),
        })
    }

    /// What a value of the original graph has become.
    pub fn image(&self, old: Value) -> Value {
        self.image.get(&old).copied().unwrap_or(old)
    }

    /// Number of nodes before the sweep.
    pub fn first_of_sweep(&self) -> usize {
        self.last
    }

    /// Adds to the gradient of a value.
    pub fn seed(&mut self, value: Value, gradient: Value) {
        if self.active.contains(&value) {
            self.parts.entry(value).or_default().push(gradient);
        }
    }

    /// The parts whose sum is the gradient of a value.
    pub fn parts(&self, value: Value) -> Vec<Value> {
        self.parts.get(&value).cloned().unwrap_or_default()
    }

    /// The gradient of a value, added up; `None` where none arrived.
    pub fn total(&mut self, value: Value, origin: Span) -> Option<Value> {
        let parts = self.parts(value);
        let total = add_up(&mut self.graph, &parts, origin)?;
        self.parts.insert(value, vec![total]);
        Some(total)
    }

    /// The gradient of a value, zeros where none arrived.
    pub fn total_or_zero(&mut self, value: Value, origin: Span) -> Value {
        match self.total(value, origin) {
            Some(total) => total,
            None => {
                let ty = self.graph.ty(value).clone();
                let dtype = if ty.dtype == DType::U8 {
                    DType::I32
                } else {
                    ty.dtype
                };
                self.graph.splat(dtype, 0.0, &ty.shape, origin)
            }
        }
    }

    /// Sweeps from the last node to the first.
    pub fn run(&mut self) -> Result<(), String> {
        let ids: Vec<NodeId> = self
            .graph
            .nodes()
            .map(|(id, _)| id)
            .take(self.last)
            .collect();
        for id in ids.into_iter().rev() {
            let data = self.graph.node(id);
            if data
                .results
                .iter()
                .any(|value| self.parts.contains_key(value))
                && !matches!(data.node, Node::Input(_))
            {
                let data = data.clone();
                self.node(id, &data)?;
                // Gradients of gradients multiply: a limit that is looked at only after a sweep would be passed by far.
                self.size.of(&self.graph)?;
            }
        }
        Ok(())
    }

    fn node(&mut self, id: NodeId, data: &NodeData) -> Result<(), String> {
        let origin = data.origin;
        if let Node::Scan(_) = &data.node {
            let cotangents: Vec<Option<Value>> = data
                .results
                .iter()
                .map(|&value| self.total(value, origin))
                .collect();
            return match self.plans.remove(&id) {
                Some(plan) => {
                    let parts = plan.backward(&mut self.graph, data, &cotangents);
                    parts
                        .into_iter()
                        .for_each(|(value, part)| self.seed(value, part));
                    Ok(())
                }
                None => Err(format!("{id}: a scan without a plan for its gradient")),
            };
        }
        let result = data.results[0];
        let Some(cotangent) = self.total(result, origin) else {
            return Ok(());
        };
        match &data.node {
            Node::Comprehension(c) => self.comprehension(c, result, cotangent, origin)?,
            Node::Scatter(s) => self.scatter(s, cotangent, origin)?,
            Node::Reshape(value) => {
                if self.active.contains(value) {
                    let ty = self.graph.ty(*value).clone();
                    let part = self.graph.add(Node::Reshape(cotangent), vec![ty], origin)[0];
                    self.seed(*value, part);
                }
            }
            Node::Concat(values, axis) => self.concat(values, *axis, cotangent, origin),
            Node::Region(_) => return Err(format!("{id}: the gradient of a fused region")),
            Node::Input(_)
            | Node::Constant(_)
            | Node::StopGradient(_)
            | Node::Scan(_)
            | Node::Gradient { .. } => {}
        }
        Ok(())
    }

    fn concat(&mut self, values: &[Value], axis: usize, cotangent: Value, origin: Span) {
        let mut start = 0;
        for &value in values {
            let ty = self.graph.ty(value).clone();
            if self.active.contains(&value) {
                let subscripts = (0..ty.shape.len()).map(|at| {
                    let offset = if at == axis { start } else { 0 };
                    Affine::index(at).plus_constant(offset as i64)
                });
                let read = Read::affine(cotangent, ty.dtype, subscripts);
                let part = self
                    .graph
                    .comprehension(map(&ty.shape, vec![read], single_read(), ty.dtype), origin);
                self.seed(value, part);
            }
            start += ty.shape.get(axis).copied().unwrap_or(0);
        }
    }

    fn wanted(&self, reads: &[Read]) -> Vec<bool> {
        reads
            .iter()
            .map(|read| self.active.contains(&read.value))
            .collect()
    }

    fn comprehension(
        &mut self,
        c: &Comprehension,
        result: Value,
        cotangent: Value,
        origin: Span,
    ) -> Result<(), String> {
        let wanted = self.wanted(&c.reads);
        let mut cell = Cell {
            extents: c.extents(),
            free: c.shape.len(),
            domain: c.domain.clone(),
            reads: c.reads.clone(),
            body: c.body.clone(),
            gradients: Vec::new(),
        };
        let here = |value: Value, dtype: DType| {
            Read::affine(value, dtype, (0..c.shape.len()).map(Affine::index))
        };
        let top = c.body.result;
        let arrived = cell.read(here(cotangent, c.dtype));
        let mut known = None;
        let positions = c.reduce.iter().fold(1, |p: usize, &n| p.saturating_mul(n));
        let numbered = matches!(c.reducer, Some(Reducer::Max | Reducer::Min | Reducer::Prod));
        if numbered && positions > 1 << 31 {
            return Err(TOO_MANY_TERMS.into());
        }
        let seed = match c.reducer {
            None => {
                if let Some(Inst::Op(op, _)) = c.body.insts.get(top as usize)
                    && is_expensive(*op)
                {
                    known = Some(cell.read(here(result, c.dtype)));
                }
                arrived
            }
            Some(Reducer::Sum) => arrived,
            Some(reducer @ (Reducer::Max | Reducer::Min)) => {
                let at = self.position_of_extreme(c, reducer, origin);
                let at = cell.read(here(at, DType::I32));
                let flat = flat_position(&mut cell.body, c);
                let hit = cell.body.op(Op::Eq, &[at, flat]);
                let zero = cell.body.constant(c.dtype, 0.0);
                cell.body.op(Op::Select, &[hit, arrived, zero])
            }
            Some(Reducer::Prod) => {
                let others = self.product_of_others(c, origin);
                let all = (0..cell.extents.len()).map(Affine::index);
                let others = cell.read(Read::affine(others, c.dtype, all));
                cell.body.op(Op::Mul, &[arrived, others])
            }
            Some(Reducer::ArgMax) => return Ok(()),
        };
        cell.sweep(&self.graph, seed, known, &wanted);
        self.turn_round(cell, origin)
    }

    fn scatter(&mut self, s: &Scatter, cotangent: Value, origin: Span) -> Result<(), String> {
        let wanted = self.wanted(&s.reads);
        let mut cell = Cell {
            extents: s.extents.clone(),
            free: s.extents.len(),
            domain: s.domain.clone(),
            reads: s.reads.clone(),
            body: s.body.clone(),
            gradients: Vec::new(),
        };
        let seed = cell.read(Read {
            value: cotangent,
            subscripts: s.target.clone(),
            guard: Guard::always(),
            fill: Literal {
                dtype: s.dtype,
                value: 0.0,
            },
        });
        cell.sweep(&self.graph, seed, None, &wanted);
        self.turn_round(cell, origin)
    }

    /// Adds the gradients of the cell's reads. Where one is of the cell's own shape, others that are sums of the same work read it.
    fn turn_round(&mut self, mut cell: Cell, origin: Span) -> Result<(), String> {
        let mut made: Vec<(Node, Value)> = Vec::new();
        // Gradients that are values already: the instruction that reads each, and the value.
        let mut at_hand: FxHashMap<u32, (u32, Value)> = FxHashMap::default();
        let mut gradients = std::mem::take(&mut cell.gradients);
        gradients.sort_by_key(|&(read, _)| !reads_itself(&self.graph, &cell, read));
        for (read, gradient) in gradients {
            let value = cell.reads[read].value;
            let code = match at_hand.get(&gradient) {
                Some((_, part)) if reads_itself(&self.graph, &cell, read) => {
                    self.seed(value, *part);
                    continue;
                }
                Some((code, _)) => *code,
                None => gradient,
            };
            let Some(node) = turned(&self.graph, &cell, read, code) else {
                continue;
            };
            let known = made
                .iter()
                .find(|(other, _)| *other == node)
                .map(|(_, part)| *part);
            let part = match known.or_else(|| copied(&self.graph, &node)) {
                Some(part) => part,
                None => {
                    let ty = self.graph.ty(value).clone();
                    let part = self.graph.add(node.clone(), vec![ty], origin)[0];
                    made.push((node, part));
                    self.size.of(&self.graph)?;
                    part
                }
            };
            self.seed(value, part);
            let worth = matches!(cell.body.insts[code as usize], Inst::Op(..));
            if worth && reads_itself(&self.graph, &cell, read) {
                let here = (0..cell.extents.len()).map(Affine::index);
                let dtype = self.graph.ty(part).dtype;
                at_hand.insert(gradient, (cell.read(Read::affine(part, dtype, here)), part));
            }
        }
        Ok(())
    }

    /// Where the first extremal element stands, whose the gradient of a maximum or minimum is.
    fn position_of_extreme(&mut self, c: &Comprehension, reducer: Reducer, origin: Span) -> Value {
        let mut position = c.clone();
        if reducer == Reducer::Min {
            position.body.result = position.body.op(Op::Neg, &[c.body.result]);
        }
        position.reducer = Some(Reducer::ArgMax);
        position.dtype = DType::I32;
        self.graph.comprehension(position, origin)
    }

    /// For each point of a product's indices the product over all other points of the reduction.
    fn product_of_others(&mut self, c: &Comprehension, origin: Span) -> Value {
        let (free, reduced) = (c.shape.len(), c.reduce.len());
        // The free indices, the point left out, the point multiplied.
        let image: Vec<Affine> = (0..free)
            .chain(free + reduced..free + 2 * reduced)
            .map(Affine::index)
            .collect();
        let mut body = super::turn::substituted(&c.body, &image);
        let left_out = flat_position(&mut body, c);
        let multiplied = flat_position_from(&mut body, &c.reduce, free + reduced);
        let same = body.op(Op::Eq, &[left_out, multiplied]);
        let one = body.constant(c.dtype, 1.0);
        body.result = body.op(Op::Select, &[same, one, body.result]);
        let others = Comprehension {
            shape: c.extents(),
            reduce: c.reduce.clone(),
            reducer: Some(Reducer::Prod),
            order: Order::default(),
            domain: c.domain.substitute(&image),
            reads: c
                .reads
                .iter()
                .map(|read| super::turn::moved(read, &image))
                .collect(),
            body,
            dtype: c.dtype,
        };
        let others = simplify::comprehension(&self.graph, others);
        self.graph.comprehension(others, origin)
    }
}

/// The value that a node only copies, if it does nothing else.
fn copied(graph: &Graph, node: &Node) -> Option<Value> {
    let Node::Comprehension(c) = node else {
        return None;
    };
    let read = c.reads.get(c.body.as_read()? as usize)?;
    let here = c.reducer.is_none()
        && c.domain.is_always()
        && read.guard.is_always()
        && graph.ty(read.value).shape == c.shape
        && graph.ty(read.value).dtype == c.dtype;
    let own = |(at, subscript): (usize, &Subscript)| match subscript {
        Subscript::Affine(affine) => affine.as_index() == Some(at),
        Subscript::Gather(_) => false,
    };
    (here && read.subscripts.iter().enumerate().all(own)).then_some(read.value)
}

/// Whether a read finds at every point the element of the same indices, so that its gradient has the cell's own shape.
fn reads_itself(graph: &Graph, cell: &Cell, read: usize) -> bool {
    let read = &cell.reads[read];
    let own = |(at, subscript): (usize, &Subscript)| match subscript {
        Subscript::Affine(affine) => affine.as_index() == Some(at),
        Subscript::Gather(_) => false,
    };
    graph.ty(read.value).shape == cell.extents
        && read.guard.is_always()
        && read.subscripts.iter().enumerate().all(own)
}

/// Adds the `i32` code for the row-major position within the reduction indices.
fn flat_position(body: &mut Body, c: &Comprehension) -> u32 {
    flat_position_from(body, &c.reduce, c.shape.len())
}

fn flat_position_from(body: &mut Body, reduce: &[usize], first: usize) -> u32 {
    let strides = crate::base::types::strides(reduce);
    let terms = strides
        .iter()
        .enumerate()
        .map(|(at, &stride)| (first + at, stride as i64));
    crate::tir::build::affine_value(body, &Affine::new(0, terms))
}

fn single_read() -> Body {
    let mut body = Body::default();
    body.result = body.push(Inst::Read(0));
    body
}

/// The sum of values of one type, in order; `None` of none.
pub fn add_up(graph: &mut Graph, parts: &[Value], origin: Span) -> Option<Value> {
    let mut total = *parts.first()?;
    for chunk in parts[1..].chunks(ADDENDS - 1) {
        let Type { dtype, shape } = graph.ty(total).clone();
        let mut body = Body::default();
        let mut reads = Vec::new();
        for &value in std::iter::once(&total).chain(chunk) {
            reads.push(Read::affine(
                value,
                dtype,
                (0..shape.len()).map(Affine::index),
            ));
            let read = body.push(Inst::Read(reads.len() as u32 - 1));
            body.result = if reads.len() == 1 {
                read
            } else {
                body.op(Op::Add, &[body.result, read])
            };
        }
        total = graph.comprehension(map(&shape, reads, body, dtype), origin);
    }
    Some(total)
}

/// Whether a subscript is by an element.
pub fn is_gather(subscript: &Subscript) -> bool {
    matches!(subscript, Subscript::Gather(_))
}
