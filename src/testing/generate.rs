//! Random graphs that hold every kind of access and node; the same for the same seed. They are what the gradients are checked on, and
//! what compiled code is compared with the interpreter on.
use super::numbers::Numbers;
use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::base::types::{DType, Type};
use crate::tir::build::map;
use crate::tir::{
    Affine, Body, Comprehension, Condition, Graph, Guard, Inst, Literal, Node, Op, Order, Read,
    Reducer, Scan, Subscript, Value,
};

/// What a generated graph may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// `x[2*i]`
    Strided,
    /// `x[i + 2*k]`
    Dilated,
    /// `x[n - 1 - i]`
    Negative,
    /// `x[i, i]`
    Diagonal,
    /// `x[3]`
    Fixed,
    /// A guarded read beyond the operand.
    Padded,
    /// `x[index[i]]`
    Gathered,
    /// A sum of products of two reads.
    Contraction,
    /// Maximum or minimum.
    Extreme,
    /// A product over indices.
    Product,
    /// A position of a maximum.
    ArgMax,
    /// A reduction over part of its box.
    Domain,
    /// Concatenation.
    Concat,
    /// Reshaping.
    Reshape,
    /// A loop with two states.
    Scan,
}

impl Feature {
    /// All features.
    pub const ALL: [Feature; 15] = [
        Feature::Strided,
        Feature::Dilated,
        Feature::Negative,
        Feature::Diagonal,
        Feature::Fixed,
        Feature::Padded,
        Feature::Gathered,
        Feature::Contraction,
        Feature::Extreme,
        Feature::Product,
        Feature::ArgMax,
        Feature::Domain,
        Feature::Concat,
        Feature::Reshape,
        Feature::Scan,
    ];
}

/// A random graph, inputs for it, and how often each feature occurs (in the order of [`Feature::ALL`]).
pub struct Generated {
    /// The graph; it verifies.
    pub graph: Graph,
    /// A tensor of its own type for each input.
    pub inputs: Vec<Tensor>,
    /// Occurrences.
    pub counts: [usize; Feature::ALL.len()],
}

/// The graph of a seed, with about `steps` nodes beside its inputs.
pub fn generate(seed: u64, steps: usize) -> Generated {
    let mut generator = Generator {
        graph: Graph::new(),
        numbers: Numbers::new(seed),
        floats: Vec::new(),
        indices: Vec::new(),
        counts: [0; Feature::ALL.len()],
    };
    let inputs = generator.inputs();
    for _ in 0..steps {
        generator.step();
    }
    let read: Vec<Value> = generator
        .graph
        .nodes()
        .flat_map(|(_, data)| data.node.operands())
        .collect();
    let made = generator
        .floats
        .iter()
        .chain(generator.indices.iter().map(|(value, _)| value));
    let outputs = made
        .copied()
        .filter(|value| !read.contains(value))
        .collect();
    generator.graph.outputs = outputs;
    Generated {
        graph: generator.graph,
        inputs,
        counts: generator.counts,
    }
}

struct Generator {
    graph: Graph,
    numbers: Numbers,
    /// Values of `f32`.
    floats: Vec<Value>,
    /// Values of `i32`, and one more than their greatest element.
    indices: Vec<(Value, usize)>,
    counts: [usize; Feature::ALL.len()],
}

/// An index of the comprehension that is being made, before it has a number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Symbol {
    Free(usize),
    Reduced(usize),
}

/// The indices of the comprehension that is being made.
#[derive(Default)]
struct Space {
    free: Vec<usize>,
    reduced: Vec<usize>,
}

/// A subscript before indices have numbers: a constant and terms, or a gather by an index tensor.
enum Draft {
    Affine(i64, Vec<(Symbol, i64)>),
    Gather(Value, Vec<(Symbol, i64)>),
}

impl Space {
    fn new_free(&mut self, extent: usize) -> Symbol {
        self.free.push(extent);
        Symbol::Free(self.free.len() - 1)
    }

    fn new_reduced(&mut self, extent: usize) -> Symbol {
        self.reduced.push(extent);
        Symbol::Reduced(self.reduced.len() - 1)
    }

    fn symbols(&self) -> Vec<(Symbol, usize)> {
        let free = self.free.iter().enumerate();
        let reduced = self.reduced.iter().enumerate();
        free.map(|(at, &extent)| (Symbol::Free(at), extent))
            .chain(reduced.map(|(at, &extent)| (Symbol::Reduced(at), extent)))
            .collect()
    }

    fn affine(&self, constant: i64, terms: &[(Symbol, i64)]) -> Affine {
        let number = |symbol: Symbol| match symbol {
            Symbol::Free(at) => at,
            Symbol::Reduced(at) => self.free.len() + at,
        };
        Affine::new(
            constant,
            terms.iter().map(|&(symbol, c)| (number(symbol), c)),
        )
    }
}

impl Generator {
    fn count(&mut self, feature: Feature) {
        self.counts[feature as usize] += 1;
    }

    fn inputs(&mut self) -> Vec<Tensor> {
        let shapes: [&[usize]; 4] = [&[4, 5], &[5, 4], &[3, 4, 4], &[6]];
        let mut tensors = Vec::new();
        for shape in shapes {
            let ty = Type::new(DType::F32, shape);
            tensors.push(self.numbers.tensor(&ty, (-1.0, 1.0), 1));
            let value = self.graph.input("x", ty);
            self.floats.push(value);
        }
        let ty = Type::new(DType::I32, [4]);
        tensors.push(self.numbers.tensor(&ty, (0.0, 0.0), 4));
        let value = self.graph.input("index", ty);
        self.indices.push((value, 4));
        tensors
    }

    fn shape(&self, value: Value) -> Vec<usize> {
        self.graph.ty(value).shape.clone()
    }

    /// A float value, a late one rather than an early one.
    fn pick(&mut self) -> Value {
        let count = self.floats.len();
        let at = self.numbers.below(count).max(self.numbers.below(count));
        self.floats[at]
    }

    fn step(&mut self) {
        match self.numbers.below(10) {
            0 | 1 => self.pointwise(),
            2..=5 => self.access(),
            6 => self.concat(),
            7 => self.reshape(),
            8 => self.argmax(),
            _ => self.scan(),
        }
    }

    fn made(&mut self, comprehension: Comprehension) {
        // Large values would only slow the tests down.
        if comprehension.extents().iter().product::<usize>() <= 4000 {
            let value = self.graph.comprehension(comprehension, Span::default());
            self.floats.push(value);
        }
    }

    fn unary(&mut self, body: &mut Body, a: u32) -> u32 {
        let one = body.constant(DType::F32, 1.0);
        match self.numbers.below(7) {
            0 => body.op(Op::Sin, &[a]),
            1 => body.op(Op::Tanh, &[a]),
            2 => body.op(Op::Sigmoid, &[a]),
            3 => body.op(Op::Erf, &[a]),
            4 => {
                let square = body.op(Op::Mul, &[a, a]);
                let sum = body.op(Op::Add, &[one, square]);
                let op = if self.numbers.chance(0.5) {
                    Op::Sqrt
                } else {
                    Op::Log
                };
                body.op(op, &[sum])
            }
            5 => {
                let bounded = body.op(Op::Tanh, &[a]);
                body.op(Op::Exp, &[bounded])
            }
            _ => body.op(Op::Neg, &[a]),
        }
    }

    fn binary(&mut self, body: &mut Body, a: u32, b: u32) -> u32 {
        match self.numbers.below(7) {
            0 => body.op(Op::Add, &[a, b]),
            1 => body.op(Op::Sub, &[a, b]),
            2 => body.op(Op::Mul, &[a, b]),
            3 => body.op(Op::Max, &[a, b]),
            4 => body.op(Op::Min, &[a, b]),
            5 => {
                let one = body.constant(DType::F32, 1.0);
                let size = body.op(Op::Abs, &[b]);
                let divisor = body.op(Op::Add, &[one, size]);
                body.op(Op::Div, &[a, divisor])
            }
            _ => {
                let less = body.op(Op::Lt, &[a, b]);
                let sine = body.op(Op::Sin, &[a]);
                body.op(Op::Select, &[less, sine, b])
            }
        }
    }

    /// An operator on one value, or on two of which one is stretched over the other.
    fn pointwise(&mut self) {
        let (a, b) = (self.pick(), self.pick());
        let (first, second) = (self.shape(a), self.shape(b));
        let fits = second.len() <= first.len()
            && first[first.len() - second.len()..]
                .iter()
                .zip(&second)
                .all(|(p, q)| p == q || *q == 1);
        let operands = if fits { vec![a, b] } else { vec![a] };
        let reads: Vec<Read> = operands
            .iter()
            .map(|&value| self.graph.broadcast_read(value, &first))
            .collect();
        let mut body = Body::default();
        let found: Vec<u32> = (0..reads.len() as u32)
            .map(|read| body.push(Inst::Read(read)))
            .collect();
        body.result = match found.as_slice() {
            &[a, b] => self.binary(&mut body, a, b),
            _ => self.unary(&mut body, found[0]),
        };
        self.made(map(&first, reads, body, DType::F32));
    }

    /// One subscript of a dimension of that size.
    fn draft(&mut self, size: usize, space: &mut Space, padded: &mut bool) -> Draft {
        let last = size as i64 - 1;
        match self.numbers.below(10) {
            0 if size >= 3 => {
                self.count(Feature::Strided);
                let free = space.new_free((size - 1) / 2);
                Draft::Affine(1, vec![(free, 2)])
            }
            1 => {
                self.count(Feature::Negative);
                let free = space.new_free(size);
                Draft::Affine(last, vec![(free, -1)])
            }
            2 | 3 if size >= 3 => {
                let (stride, dilation) = (1 + self.numbers.below(2), 1 + self.numbers.below(2));
                if dilation == 2 {
                    self.count(Feature::Dilated);
                }
                *padded = self.numbers.chance(0.5);
                let room = if *padded { size } else { size - dilation };
                let free = space.new_free(room.div_ceil(stride));
                let tap = space.new_reduced(2);
                let offset = -i64::from(*padded);
                Draft::Affine(offset, vec![(free, stride as i64), (tap, dilation as i64)])
            }
            4 => {
                let mut fitting = space
                    .symbols()
                    .into_iter()
                    .filter(|(_, extent)| *extent <= size);
                match fitting.next_back() {
                    Some((symbol, _)) => {
                        self.count(Feature::Diagonal);
                        Draft::Affine(0, vec![(symbol, 1)])
                    }
                    None => Draft::Affine(0, vec![(space.new_free(size), 1)]),
                }
            }
            5 => {
                self.count(Feature::Fixed);
                Draft::Affine(self.numbers.below(size) as i64, Vec::new())
            }
            6 => Draft::Affine(0, vec![(space.new_reduced(size), 1)]),
            7 => self.gather(size, space),
            _ => Draft::Affine(0, vec![(space.new_free(size), 1)]),
        }
    }

    fn gather(&mut self, size: usize, space: &mut Space) -> Draft {
        let fitting: Vec<Value> = self
            .indices
            .iter()
            .filter(|(_, bound)| *bound <= size)
            .map(|(value, _)| *value)
            .collect();
        let Some(&index) = fitting.get(self.numbers.below(fitting.len())) else {
            return Draft::Affine(0, vec![(space.new_free(size), 1)]);
        };
        self.count(Feature::Gathered);
        let shape = self.shape(index);
        let places = shape
            .iter()
            .map(|&extent| (space.new_free(extent), 1))
            .collect();
        Draft::Gather(index, places)
    }

    /// A comprehension with one read by subscripts of every kind, and perhaps a second one by the same indices.
    fn access(&mut self) {
        let value = self.pick();
        let sizes = self.shape(value);
        let mut space = Space::default();
        let mut drafts = Vec::new();
        let mut guarded = Vec::new();
        for &size in &sizes {
            let mut padded = false;
            drafts.push(self.draft(size, &mut space, &mut padded));
            guarded.push(padded);
        }
        let reducer = self.reducer(&space);
        let mut reads = Vec::new();
        let read = self.finish_read(value, &drafts, &guarded, &space, reducer, &mut reads);
        let mut body = Body::default();
        let mut result = body.push(Inst::Read(read));
        let second = self.numbers.chance(0.5).then(|| self.second_read(&space));
        match second {
            Some(second) => {
                reads.push(second);
                let other = body.push(Inst::Read(reads.len() as u32 - 1));
                result = if reducer == Some(Reducer::Sum) {
                    self.count(Feature::Contraction);
                    body.op(Op::Mul, &[result, other])
                } else {
                    self.binary(&mut body, result, other)
                };
            }
            None => result = self.unary(&mut body, result),
        }
        if self.numbers.chance(0.2) && !space.free.is_empty() {
            let index = body.push(Inst::Index(0));
            let index = body.op(Op::ToF32, &[index]);
            let tenth = body.constant(DType::F32, 0.1);
            let factor = body.op(Op::Mul, &[index, tenth]);
            result = body.op(Op::Add, &[result, factor]);
        }
        body.result = result;
        let domain = self.domain(&space);
        let order = match self.numbers.chance(0.5) {
            true => Order::Chain,
            false => Order::Lanes,
        };
        self.made(Comprehension {
            shape: space.free,
            reduce: space.reduced,
            reducer,
            order,
            domain,
            reads,
            body,
            dtype: DType::F32,
        });
    }

    fn reducer(&mut self, space: &Space) -> Option<Reducer> {
        if space.reduced.is_empty() {
            return None;
        }
        Some(match self.numbers.below(6) {
            0 => {
                self.count(Feature::Extreme);
                Reducer::Max
            }
            1 => {
                self.count(Feature::Extreme);
                Reducer::Min
            }
            2 => {
                self.count(Feature::Product);
                Reducer::Prod
            }
            _ => Reducer::Sum,
        })
    }

    /// Adds the read (and before it the reads of its indices) and gives its number.
    fn finish_read(
        &mut self,
        value: Value,
        drafts: &[Draft],
        padded: &[bool],
        space: &Space,
        reducer: Option<Reducer>,
        reads: &mut Vec<Read>,
    ) -> u32 {
        let sizes = self.shape(value);
        let mut guard = Guard::always();
        let mut subscripts = Vec::new();
        for (at, draft) in drafts.iter().enumerate() {
            match draft {
                Draft::Affine(constant, terms) => {
                    let affine = space.affine(*constant, terms);
                    if padded[at] {
                        self.count(Feature::Padded);
                        guard = guard.and(&Guard::within(&affine, sizes[at]));
                    }
                    subscripts.push(Subscript::Affine(affine));
                }
                Draft::Gather(index, places) => {
                    let places = places.iter().map(|&place| space.affine(0, &[place]));
                    reads.push(Read::affine(*index, DType::I32, places));
                    subscripts.push(Subscript::Gather(reads.len() as u32 - 1));
                }
            }
        }
        let fill = match reducer {
            Some(Reducer::Max) => f64::NEG_INFINITY,
            Some(Reducer::Min) => f64::INFINITY,
            Some(Reducer::Prod) => 1.0,
            Some(Reducer::Sum | Reducer::ArgMax) | None => 0.0,
        };
        // An infinite fill is for bodies that keep it; others get a number.
        let fill = if self.numbers.chance(0.3) { fill } else { 0.25 };
        let fill = if fill.is_finite() {
            fill
        } else {
            fill.signum() * 50.0
        };
        reads.push(Read {
            subscripts,
            guard,
            fill: Literal {
                dtype: DType::F32,
                value: fill,
            },
            ..Read::affine(value, DType::F32, [])
        });
        reads.len() as u32 - 1
    }

    /// A read by indices that are there, or by constants.
    fn second_read(&mut self, space: &Space) -> Read {
        let value = self.pick();
        let sizes = self.shape(value);
        let subscripts: Vec<Affine> = sizes
            .iter()
            .map(|&size| {
                let symbols = space.symbols();
                let fitting: Vec<_> = symbols
                    .iter()
                    .filter(|(_, extent)| *extent <= size)
                    .collect();
                match fitting.get(self.numbers.below(fitting.len())) {
                    Some((symbol, _)) => space.affine(0, &[(*symbol, 1)]),
                    None => Affine::constant(self.numbers.below(size) as i64),
                }
            })
            .collect();
        Read::affine(value, DType::F32, subscripts)
    }

    /// Seldom a triangle of a free and a reduced index.
    fn domain(&mut self, space: &Space) -> Guard {
        let mut guard = Guard::always();
        let triangle = !space.free.is_empty() && !space.reduced.is_empty();
        if triangle && self.numbers.chance(0.2) {
            self.count(Feature::Domain);
            let terms = [(Symbol::Free(0), 1), (Symbol::Reduced(0), -1)];
            guard.push(Condition::NonNegative(space.affine(1, &terms)));
        }
        guard
    }

    /// A value and its sine, one after the other.
    fn concat(&mut self) {
        let value = self.pick();
        let shape = self.shape(value);
        if shape.is_empty() || shape.iter().product::<usize>() > 1000 {
            return;
        }
        let axis = self.numbers.below(shape.len());
        let sine = self
            .graph
            .elementwise(Op::Sin, &[value], &shape, Span::default());
        let mut joined = shape;
        joined[axis] *= 2;
        let node = Node::Concat(vec![value, sine], axis);
        let results = self
            .graph
            .add(node, vec![Type::new(DType::F32, joined)], Span::default());
        self.floats.extend(results);
        self.count(Feature::Concat);
    }

    /// Two dimensions become one, or one becomes two.
    fn reshape(&mut self) {
        let value = self.pick();
        let mut shape = self.shape(value);
        if shape.len() >= 2 {
            let last = shape.pop().unwrap_or(1);
            if let Some(size) = shape.last_mut() {
                *size *= last;
            }
        } else if let Some(last) = shape.last_mut().filter(|size| **size % 2 == 0) {
            *last /= 2;
            shape.push(2);
        } else {
            return;
        }
        let ty = Type::new(DType::F32, shape);
        let results = self
            .graph
            .add(Node::Reshape(value), vec![ty], Span::default());
        self.floats.extend(results);
        self.count(Feature::Reshape);
    }

    fn argmax(&mut self) {
        let value = self.pick();
        let shape = self.shape(value);
        if let Some((&last, rest)) = shape.split_last()
            && rest.iter().product::<usize>() <= 20
        {
            let axis = rest.len();
            let found = self
                .graph
                .reduce(Reducer::ArgMax, value, &[axis], Span::default());
            self.indices.push((found, last));
            self.count(Feature::ArgMax);
        }
    }

    /// Two states over a sequence: `a' = tanh(a + x * c), b' = b * w + sin(a' * b)`, stacked along random axes.
    fn scan(&mut self) {
        let sequence = self.pick();
        let shape = self.shape(sequence);
        if shape.is_empty() || shape.iter().product::<usize>() > 200 {
            return;
        }
        let axis = self.numbers.below(shape.len());
        let mut rest = shape.clone();
        let length = rest.remove(axis);
        let initial = self
            .graph
            .reduce(Reducer::Sum, sequence, &[axis], Span::default());
        let zeros = self.graph.splat(DType::F32, 0.5, &rest, Span::default());
        let weight = self.graph.splat(DType::F32, 0.3, &[], Span::default());
        let weight = self.scalar_of(weight);
        let element = Type::new(DType::F32, rest.clone());
        let body = two_state_body(&element);
        let stacks = vec![self.numbers.below(rest.len() + 1), 0];
        let mut types = vec![element.clone(), element];
        for &stack in &stacks {
            let mut stacked = rest.clone();
            stacked.insert(stack, length);
            types.push(Type::new(DType::F32, stacked));
        }
        let scan = Scan {
            length,
            reverse: self.numbers.chance(0.5),
            states: vec![initial, zeros],
            sequences: vec![(sequence, axis)],
            captured: vec![weight],
            stacks,
            body: Box::new(body),
        };
        let results = self.graph.add(Node::Scan(scan), types, Span::default());
        self.floats.extend(&results[1..]);
        self.count(Feature::Scan);
    }

    /// A scalar: the number times the sum of a small value.
    fn scalar_of(&mut self, number: Value) -> Value {
        let value = self.floats[3];
        let sum = self
            .graph
            .reduce(Reducer::Sum, value, &[0], Span::default());
        self.graph
            .elementwise(Op::Mul, &[number, sum], &[], Span::default())
    }
}

fn two_state_body(element: &Type) -> Graph {
    let mut body = Graph::new();
    body.input("turn", Type::scalar(DType::I32));
    let [a, b, x] = ["a", "b", "x"].map(|name| body.input(name, element.clone()));
    let weight = body.input("weight", Type::scalar(DType::F32));
    let mut apply = |op: Op, operands: &[Value]| {
        body.elementwise(op, operands, &element.shape, Span::default())
    };
    let scaled = apply(Op::Mul, &[x, weight]);
    let sum = apply(Op::Add, &[a, scaled]);
    let next_a = apply(Op::Tanh, &[sum]);
    let kept = apply(Op::Mul, &[b, weight]);
    let product = apply(Op::Mul, &[next_a, b]);
    let sine = apply(Op::Sin, &[product]);
    let next_b = apply(Op::Add, &[kept, sine]);
    body.outputs = vec![next_a, next_b, next_b, next_a];
    body
}
