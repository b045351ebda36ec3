//! Graphs: values, nodes, the comprehension.
use super::affine::{Affine, Guard};
use super::known::Known;
use super::op::Op;
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use cranelift_entity::{PrimaryMap, entity_impl};

/// A tensor that a node makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(u32);
entity_impl!(Value, "v");

/// A node of a graph. Nodes stand in an order in which every operand comes before its readers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);
entity_impl!(NodeId, "n");

/// A scalar constant. Floats are kept as `f64` and rounded to the type where they are used, so a graph can also be run in `f64`.
#[derive(Debug, Clone, Copy)]
pub struct Literal {
    /// The element type.
    pub dtype: DType,
    /// The value; exact for every type.
    pub value: f64,
}

impl PartialEq for Literal {
    fn eq(&self, other: &Literal) -> bool {
        self.dtype == other.dtype && self.value.to_bits() == other.value.to_bits()
    }
}
impl Eq for Literal {}
impl std::hash::Hash for Literal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.dtype, self.value.to_bits()).hash(state);
    }
}

/// One instruction of a body. Arguments are positions of earlier instructions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Inst {
    /// The element that read number `.0` finds (for storage type `u8`: converted to `i32`).
    Read(u32),
    /// The value of index number `.0`, as `i32`.
    Index(u32),
    /// A constant.
    Const(Literal),
    /// An operator on earlier results.
    Op(Op, Vec<u32>),
}

/// Straight-line scalar code; the value of a comprehension at one point.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Body {
    /// Instructions in order.
    pub insts: Vec<Inst>,
    /// The position of the instruction whose result is the body's.
    pub result: u32,
    known: Known,
}

impl Body {
    /// Adds an instruction, or finds the equal one that is there.
    pub fn push(&mut self, inst: Inst) -> u32 {
        match self.known.position(&self.insts, &inst) {
            Some(at) => at,
            None => {
                self.insts.push(inst);
                self.insts.len() as u32 - 1
            }
        }
    }

    /// Adds an operator on earlier results.
    pub fn op(&mut self, op: Op, arguments: &[u32]) -> u32 {
        self.push(Inst::Op(op, arguments.to_vec()))
    }

    /// Adds a constant.
    pub fn constant(&mut self, dtype: DType, value: f64) -> u32 {
        self.push(Inst::Const(Literal { dtype, value }))
    }

    /// The body without instructions that its result does not need. Reads keep their numbers.
    pub fn trimmed(&self) -> Body {
        self.trimmed_to(self.result)
    }

    /// The same with another instruction for its result.
    pub fn trimmed_to(&self, result: u32) -> Body {
        let mut live = vec![false; self.insts.len()];
        if let Some(slot) = live.get_mut(result as usize) {
            *slot = true;
        }
        for at in (0..self.insts.len()).rev() {
            if let (true, Inst::Op(_, arguments)) = (live[at], &self.insts[at]) {
                arguments
                    .iter()
                    .for_each(|&argument| live[argument as usize] = true);
            }
        }
        let mut body = Body::default();
        let mut new_position = vec![0u32; self.insts.len()];
        for (at, inst) in self.insts.iter().enumerate().filter(|(at, _)| live[*at]) {
            let moved = match inst {
                Inst::Op(op, arguments) => Inst::Op(
                    *op,
                    arguments
                        .iter()
                        .map(|&a| new_position[a as usize])
                        .collect(),
                ),
                Inst::Read(_) | Inst::Index(_) | Inst::Const(_) => inst.clone(),
            };
            new_position[at] = body.push(moved);
        }
        body.result = new_position.get(result as usize).copied().unwrap_or(0);
        body
    }

    /// Whether the body is exactly one read; which.
    pub fn as_read(&self) -> Option<u32> {
        match self.insts.get(self.result as usize) {
            Some(Inst::Read(read)) => Some(*read),
            _ => None,
        }
    }
}

/// How one dimension of an operand is addressed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subscript {
    /// By an affine expression of the indices, within bounds wherever the read's guard holds.
    Affine(Affine),
    /// By the `i32` element that an earlier read of the same comprehension finds (a gather); checked at run time.
    Gather(u32),
}

impl Subscript {
    /// The affine expression, if it is one.
    pub fn as_affine(&self) -> Option<&Affine> {
        match self {
            Subscript::Affine(affine) => Some(affine),
            Subscript::Gather(_) => None,
        }
    }
}

/// An access to an operand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Read {
    /// The operand.
    pub value: Value,
    /// One subscript per dimension of the operand.
    pub subscripts: Vec<Subscript>,
    /// Where it fails, the read gives `fill` and touches nothing.
    pub guard: Guard,
    /// The value outside the guard, of the operand's element type.
    pub fill: Literal,
}

impl Read {
    /// Whether numbers of its subscripts or its guard became too large, so that nothing is known of where it reads.
    pub fn is_beyond(&self) -> bool {
        let mut affine = self.subscripts.iter().filter_map(Subscript::as_affine);
        affine.any(Affine::is_beyond) || self.guard.is_beyond()
    }
}

/// How a comprehension reduces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reducer {
    /// Sum, from +0. Where the body is exactly a product of two reads it accumulates by fused multiply-add.
    Sum,
    /// Product, from 1.
    Prod,
    /// Maximum; NaN if any is NaN; minus infinity of nothing.
    Max,
    /// Minimum; NaN if any is NaN; plus infinity of nothing.
    Min,
    /// Row-major position (`i32`), within the reduction indices, of the first maximum (of the first NaN if there is one); 0 of nothing.
    ArgMax,
}

impl Reducer {
    /// The name in the language and in IR text.
    pub fn name(self) -> &'static str {
        match self {
            Reducer::Sum => "sum",
            Reducer::Prod => "prod",
            Reducer::Max => "max",
            Reducer::Min => "min",
            Reducer::ArgMax => "argmax",
        }
    }
}

/// The order in which a reduction combines its elements; fixed by shapes, never by threads or vector width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// One chain over the reduction indices in row-major order; a chain longer than 4,096 is cut into equal pieces (of
    /// [`piece_length`](crate::base::order::piece_length) elements) whose results are combined in order.
    #[default]
    Chain,
    /// Element `k` of the LAST reduction index goes to lane `k mod 16`; a lane is a chain over the outer reduction indices and its
    /// elements in order; lanes are combined pairwise (0+8, 1+9, ...; then 0+4, ...; 0+2; 0+1).
    Lanes,
}

/// The definition of a tensor, element by element:
/// `out[i0, ...] = reduce[r0, ...] body(a[...], b[...], ..., constants, indices)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Comprehension {
    /// Extents of the free indices `i0, ...`: the sizes of the result.
    pub shape: Vec<usize>,
    /// Extents of the reduction indices, numbered after the free ones.
    pub reduce: Vec<usize>,
    /// `None` exactly where `reduce` is empty.
    pub reducer: Option<Reducer>,
    /// The order of the reduction.
    pub order: Order,
    /// Points outside contribute nothing; without a reduction the value there is 0.
    pub domain: Guard,
    /// The accesses.
    pub reads: Vec<Read>,
    /// The value at one point.
    pub body: Body,
    /// Element type of the result.
    pub dtype: DType,
}

impl Comprehension {
    /// Extents of all indices, free ones first.
    pub fn extents(&self) -> Vec<usize> {
        self.shape.iter().chain(&self.reduce).copied().collect()
    }

    /// The two reads of a contraction: a sum whose body is exactly their product, with no domain guard.
    pub fn as_product(&self) -> Option<(u32, u32)> {
        if self.reducer != Some(Reducer::Sum) || !self.domain.is_always() {
            return None;
        }
        let Some(Inst::Op(Op::Mul, arguments)) = self.body.insts.get(self.body.result as usize)
        else {
            return None;
        };
        match (
            self.body.insts.get(arguments[0] as usize),
            self.body.insts.get(arguments[1] as usize),
        ) {
            (Some(Inst::Read(a)), Some(Inst::Read(b))) => Some((*a, *b)),
            _ => None,
        }
    }
}

/// `out[subscripts(p)] += body(p)` for every point `p` of a box, in row-major order, from an `out` of zeros.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scatter {
    /// Sizes of the result.
    pub shape: Vec<usize>,
    /// Extents of the indices.
    pub extents: Vec<usize>,
    /// Where it fails, nothing is added.
    pub domain: Guard,
    /// The accesses.
    pub reads: Vec<Read>,
    /// What is added.
    pub body: Body,
    /// Where it is added: one subscript per dimension of the result.
    pub target: Vec<Subscript>,
    /// Element type of the result.
    pub dtype: DType,
}

/// A loop over one dimension that carries states.
///
/// Inputs of the body, in order: the turn (`i32` scalar, the position along the walked dimension), the states, one element of each
/// sequence (without its walked axis), the captured values. Outputs of the body: the next states, then one value per stack.
/// Results of the node: the final states, then the stacks (the body's value with the walked dimension inserted at `axis`).
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Number of turns.
    pub length: usize,
    /// Walks from the last position to the first; stacks keep their positions.
    pub reverse: bool,
    /// Initial states.
    pub states: Vec<Value>,
    /// Sequences and the axis along which each is walked.
    pub sequences: Vec<(Value, usize)>,
    /// Values of the outer graph that every turn reads whole.
    pub captured: Vec<Value>,
    /// Axis of each stack.
    pub stacks: Vec<usize>,
    /// One turn.
    pub body: Box<Graph>,
}

/// Nodes of the same graph, made by fusion, that run interleaved over the outermost `outer` free indices which all of them share.
/// Its meaning is that of its members in order; unfusing changes no bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// The members' nodes in order; results of the region are their results in order.
    pub members: Vec<Node>,
    /// How many outer indices they share.
    pub outer: usize,
}

/// What a node computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Input number `.0` of the graph.
    Input(u32),
    /// Row-major elements of a small literal, rounded to the type where used.
    Constant(Vec<f64>),
    /// A definition element by element.
    Comprehension(Comprehension),
    /// The same elements in row-major order under other sizes.
    Reshape(Value),
    /// The operands one after the other along an axis.
    Concat(Vec<Value>, usize),
    /// A sum into given places.
    Scatter(Scatter),
    /// A loop.
    Scan(Scan),
    /// Fused nodes. Only fusion makes it.
    Region(Region),
    /// The gradients of a scalar with respect to values it is computed from (zeros where it is not). Only before differentiation.
    Gradient {
        /// The scalar.
        of: Value,
        /// The values; one result each, of its type.
        with_respect_to: Vec<Value>,
    },
    /// The operand, through which no gradient flows. Only before differentiation.
    StopGradient(Value),
}

/// A node and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeData {
    /// What it computes.
    pub node: Node,
    /// Its results.
    pub results: Vec<Value>,
    /// The source it comes from.
    pub origin: Span,
}

#[derive(Debug, Clone, PartialEq)]
struct ValueData {
    ty: Type,
    definition: NodeId,
}

/// An input of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct InputData {
    /// A name for text forms and messages.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// The value that stands for it.
    pub value: Value,
}

/// A tensor program: inputs, nodes in dependence order, outputs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    nodes: PrimaryMap<NodeId, NodeData>,
    values: PrimaryMap<Value, ValueData>,
    /// Inputs by number.
    pub inputs: Vec<InputData>,
    /// The values that leave the graph, in order; one may occur twice.
    pub outputs: Vec<Value>,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// Adds an input.
    pub fn input(&mut self, name: impl Into<String>, ty: Type) -> Value {
        let number = self.inputs.len() as u32;
        let value = self.add(Node::Input(number), vec![ty.clone()], Span::default())[0];
        self.inputs.push(InputData {
            name: name.into(),
            ty,
            value,
        });
        value
    }

    /// Adds a node with results of these types, after all nodes there are.
    pub fn add(&mut self, node: Node, types: Vec<Type>, origin: Span) -> Vec<Value> {
        let id = self.nodes.next_key();
        let results: Vec<Value> = types
            .into_iter()
            .map(|ty| self.values.push(ValueData { ty, definition: id }))
            .collect();
        self.nodes.push(NodeData {
            node,
            results: results.clone(),
            origin,
        });
        results
    }

    /// Adds a comprehension; its result's type follows from it.
    pub fn comprehension(&mut self, comprehension: Comprehension, origin: Span) -> Value {
        let ty = Type::new(comprehension.dtype, comprehension.shape.clone());
        self.add(Node::Comprehension(comprehension), vec![ty], origin)[0]
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> &Type {
        &self.values[value].ty
    }

    /// The node that makes a value.
    pub fn definition(&self, value: Value) -> NodeId {
        self.values[value].definition
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &NodeData {
        &self.nodes[id]
    }

    /// The node that makes a value, itself.
    pub fn defining(&self, value: Value) -> &NodeData {
        &self.nodes[self.values[value].definition]
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &NodeData)> {
        self.nodes.iter()
    }

    /// The nodes from the number `from` on, in order.
    pub fn nodes_since(&self, from: usize) -> impl Iterator<Item = &NodeData> {
        self.nodes.as_values_slice().iter().skip(from)
    }

    /// Operations: as many as a body has instructions, those of one turn of a scan, and each other node as one.
    pub fn operations(&self) -> usize {
        self.nodes.values().map(|data| data.node.operations()).sum()
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Number of values.
    pub fn value_count(&self) -> usize {
        self.values.len()
    }
}

impl Node {
    /// How many operations it is, as [`Graph::operations`] counts.
    pub fn operations(&self) -> usize {
        match self {
            Node::Comprehension(c) => c.body.insts.len().max(1),
            Node::Scatter(s) => s.body.insts.len().max(1),
            Node::Scan(s) => 1 + s.body.operations(),
            Node::Region(r) => r.members.iter().map(Node::operations).sum(),
            Node::Input(_)
            | Node::Constant(_)
            | Node::Reshape(_)
            | Node::Concat(..)
            | Node::Gradient { .. }
            | Node::StopGradient(_) => 1,
        }
    }

    /// The values it reads, in order, with repetitions.
    pub fn operands(&self) -> Vec<Value> {
        let of_reads = |reads: &[Read]| reads.iter().map(|read| read.value).collect::<Vec<_>>();
        match self {
            Node::Input(_) | Node::Constant(_) => Vec::new(),
            Node::Comprehension(c) => of_reads(&c.reads),
            Node::Reshape(value) | Node::StopGradient(value) => vec![*value],
            Node::Concat(values, _) => values.clone(),
            Node::Scatter(s) => of_reads(&s.reads),
            Node::Scan(s) => s
                .states
                .iter()
                .copied()
                .chain(s.sequences.iter().map(|q| q.0))
                .chain(s.captured.iter().copied())
                .collect(),
            Node::Region(r) => r.members.iter().flat_map(Node::operands).collect(),
            Node::Gradient {
                of,
                with_respect_to,
            } => std::iter::once(*of)
                .chain(with_respect_to.iter().copied())
                .collect(),
        }
    }

    /// The same node with every operand replaced by its image.
    pub fn map_operands(&self, image: &mut dyn FnMut(Value) -> Value) -> Node {
        let mut node = self.clone();
        match &mut node {
            Node::Input(_) | Node::Constant(_) => {}
            Node::Comprehension(c) => c
                .reads
                .iter_mut()
                .for_each(|read| read.value = image(read.value)),
            Node::Reshape(value) | Node::StopGradient(value) => *value = image(*value),
            Node::Concat(values, _) => values.iter_mut().for_each(|value| *value = image(*value)),
            Node::Scatter(s) => s
                .reads
                .iter_mut()
                .for_each(|read| read.value = image(read.value)),
            Node::Scan(s) => {
                s.states.iter_mut().for_each(|value| *value = image(*value));
                s.sequences
                    .iter_mut()
                    .for_each(|sequence| sequence.0 = image(sequence.0));
                s.captured
                    .iter_mut()
                    .for_each(|value| *value = image(*value));
            }
            Node::Region(r) => r
                .members
                .iter_mut()
                .for_each(|member| *member = member.map_operands(image)),
            Node::Gradient {
                of,
                with_respect_to,
            } => {
                *of = image(*of);
                with_respect_to
                    .iter_mut()
                    .for_each(|value| *value = image(*value));
            }
        }
        node
    }
}

impl Body {
    /// The type of each instruction, given the types that the reads find; `None` where one does not fit.
    pub fn types(&self, read_types: &[DType]) -> Option<Vec<DType>> {
        let mut types: Vec<DType> = Vec::with_capacity(self.insts.len());
        for inst in &self.insts {
            let ty = match inst {
                Inst::Read(read) => match read_types.get(*read as usize)? {
                    DType::U8 => DType::I32,
                    other => *other,
                },
                Inst::Index(_) => DType::I32,
                Inst::Const(literal) => literal.dtype,
                Inst::Op(op, arguments) => {
                    let arguments = arguments
                        .iter()
                        .map(|&a| types.get(a as usize).copied())
                        .collect::<Option<Vec<_>>>()?;
                    op.result_type(&arguments)?
                }
            };
            types.push(ty);
        }
        Some(types)
    }
}
