//! Random graphs with every kind of access and node, small enough to be evaluated many times.
#[path = "random_scans.rs"]
mod rows;

use super::{Rng, comprehension, weighted_sum};
use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::base::types::{DType, Type};
use crate::tir::{
    Affine, Body, Condition, Graph, Guard, Literal, Node, Op, Read, Reducer, Scan, Subscript, Value,
};
use std::collections::BTreeMap;

const SUM: Option<Reducer> = Some(Reducer::Sum);
const LARGEST: usize = 64;

/// A random graph whose one output is a scalar, tensors for its inputs, and how often each kind of construct occurs in it.
pub struct RandomGraph {
    /// The graph.
    pub graph: Graph,
    /// One tensor for each input.
    pub inputs: Vec<Tensor>,
    /// Occurrences by name.
    pub counts: BTreeMap<&'static str, usize>,
}

/// The graph of a seed, with this many random constructs.
pub fn random_graph(seed: u64, size: usize) -> RandomGraph {
    let mut maker = Maker {
        rng: Rng::new(seed),
        graph: Graph::new(),
        inputs: Vec::new(),
        counts: BTreeMap::new(),
        pool: Vec::new(),
        gradients: Vec::new(),
    };
    for _ in 0..3 {
        let rank = 1 + maker.rng.below(3);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + maker.rng.below(4)).collect();
        let value = maker.input(Type::new(DType::F32, shape), -1.2, 1.2);
        maker.pool.push(value);
    }
    let mut made = 0;
    while made < size {
        let (name, make) = KINDS[maker.rng.below(KINDS.len())];
        if let Some(value) = make(&mut maker) {
            *maker.counts.entry(name).or_default() += 1;
            maker.pool.push(value);
            made += 1;
        }
    }
    let mut total = maker.graph.splat(DType::F32, 0.0, &[], Span::default());
    let from = maker.pool.len().saturating_sub(4);
    for value in maker.pool.split_off(from) {
        let sum = weighted_sum(&mut maker.graph, &mut maker.rng, value);
        total = maker
            .graph
            .elementwise(Op::Add, &[total, sum], &[], Span::default());
    }
    maker.graph.outputs = vec![total];
    RandomGraph {
        graph: maker.graph,
        inputs: maker.inputs,
        counts: maker.counts,
    }
}

type Make = fn(&mut Maker) -> Option<Value>;

/// Every construct; one that does not fit the values at hand gives `None`.
const KINDS: &[(&str, Make)] = &[
    ("unary", unary),
    ("binary", binary),
    ("contraction", contraction),
    ("strided window", strided_window),
    ("negative", negative),
    ("diagonal", diagonal),
    ("read twice", read_twice),
    ("padding", padding),
    ("domain", domain),
    ("gathered rows", gathered_rows),
    ("picked by argmax", picked),
    ("pool", pool),
    ("reduction", reduction),
    ("concat", concat),
    ("reshape", reshape),
    ("three factors", three_factors),
    ("batched contraction", batched),
    ("upsampling", upsampling),
    ("stopped", stopped),
    ("scan", scan),
    ("scan of products", rows::scan_of_products),
    ("scan with a table", rows::scan_with_table),
    ("scan in a scan", rows::scan_in_scan),
    ("gradient in a scan", rows::gradient_in_scan),
    ("gradient", gradient),
    ("gradient of gradient", gradient_of_gradient),
];

struct Maker {
    rng: Rng,
    graph: Graph,
    inputs: Vec<Tensor>,
    counts: BTreeMap<&'static str, usize>,
    pool: Vec<Value>,
    gradients: Vec<Value>,
}

fn tanh(body: &mut Body, x: u32) -> u32 {
    body.op(Op::Tanh, &[x])
}

fn product(body: &mut Body, r: &[u32]) -> u32 {
    body.op(Op::Mul, &[r[0], r[1]])
}

fn read(value: Value, subscripts: impl IntoIterator<Item = Affine>) -> Read {
    Read::affine(value, DType::F32, subscripts)
}

fn plain(value: Value, indices: &[usize]) -> Read {
    read(value, indices.iter().map(|&index| Affine::index(index)))
}

fn gathered(value: Value, subscripts: Vec<Subscript>) -> Read {
    Read {
        value,
        subscripts,
        guard: Guard::always(),
        fill: Literal {
            dtype: DType::F32,
            value: 0.0,
        },
    }
}

impl Maker {
    fn input(&mut self, ty: Type, low: f64, high: f64) -> Value {
        self.inputs.push(self.rng.tensor(&ty, low, high));
        self.graph.input(format!("x{}", self.inputs.len()), ty)
    }

    fn any(&mut self) -> Value {
        self.rng.pick(&self.pool)
    }

    fn of_rank(&mut self, rank: usize) -> Option<Value> {
        let fit: Vec<Value> = self
            .pool
            .iter()
            .copied()
            .filter(|&value| self.graph.ty(value).shape.len() == rank)
            .collect();
        (!fit.is_empty()).then(|| self.rng.pick(&fit))
    }

    fn shape(&self, value: Value) -> Vec<usize> {
        self.graph.ty(value).shape.clone()
    }

    fn map(
        &mut self,
        shape: &[usize],
        reads: Vec<Read>,
        make: impl FnOnce(&mut Body, &[u32]) -> u32,
    ) -> Value {
        comprehension(
            &mut self.graph,
            (shape, &[], None),
            Guard::always(),
            reads,
            make,
        )
    }
}

fn unary(m: &mut Maker) -> Option<Value> {
    let value = m.any();
    let shape = m.shape(value);
    let op = m
        .rng
        .pick(&[Op::Tanh, Op::Sin, Op::Sigmoid, Op::Erf, Op::Cos, Op::Abs]);
    Some(m.graph.elementwise(op, &[value], &shape, Span::default()))
}

fn binary(m: &mut Maker) -> Option<Value> {
    let (a, b) = (m.any(), m.any());
    let (a, b) = if m.shape(a).len() < m.shape(b).len() {
        (b, a)
    } else {
        (a, b)
    };
    let shape = m.shape(a);
    let lead = shape.len() - m.shape(b).len();
    let fits = m
        .shape(b)
        .iter()
        .zip(&shape[lead..])
        .all(|(&x, &y)| x == y || x == 1);
    let op = m.rng.pick(&[Op::Add, Op::Mul, Op::Sub, Op::Max, Op::Min]);
    fits.then(|| m.graph.elementwise(op, &[a, b], &shape, Span::default()))
}

fn contraction(m: &mut Maker) -> Option<Value> {
    let (a, b) = (m.of_rank(2)?, m.of_rank(2)?);
    let (x, y) = (m.shape(a), m.shape(b));
    let (p, q) = (m.rng.below(2), m.rng.below(2));
    // The last index is summed over; p and q are the axes that it walks.
    let first = if p == 0 { [2, 0] } else { [0, 2] };
    let second = if q == 0 { [2, 1] } else { [1, 2] };
    let shape = [x[1 - p], y[1 - q]];
    (x[p] == y[q]).then(|| {
        let reads = vec![plain(a, &first), plain(b, &second)];
        comprehension(
            &mut m.graph,
            (&shape, &x[p..=p], SUM),
            Guard::always(),
            reads,
            product,
        )
    })
}

/// `y[i, o] = sum[k] x[s i + d k - p] w[k, o]`, sometimes of a `tanh`.
fn strided_window(m: &mut Maker) -> Option<Value> {
    let (x, w) = (m.of_rank(1)?, m.of_rank(2)?);
    let (size, taps, outputs) = (m.shape(x)[0] as i64, m.shape(w)[0], m.shape(w)[1]);
    let (stride, dilation, pad) = (
        1 + m.rng.below(3) as i64,
        1 + m.rng.below(3) as i64,
        m.rng.below(3) as i64,
    );
    let places = (size + 2 * pad - (taps as i64 - 1) * dilation - 1) / stride + 1;
    if places < 1 || size + 2 * pad < (taps as i64 - 1) * dilation + 1 {
        return None;
    }
    let access = Affine::new(-pad, [(0, stride), (2, dilation)]);
    let mut window = read(x, [access.clone()]);
    window.guard = Guard::within(&access, size as usize);
    let shape = [places as usize, outputs];
    window.guard = window.guard.simplified(&[shape[0], outputs, taps])?;
    let bend = m.rng.chance(0.3);
    let reads = vec![window, plain(w, &[2, 1])];
    Some(comprehension(
        &mut m.graph,
        (&shape, &[taps], SUM),
        Guard::always(),
        reads,
        |b, r| {
            let x = if bend { tanh(b, r[0]) } else { r[0] };
            b.op(Op::Mul, &[x, r[1]])
        },
    ))
}

fn negative(m: &mut Maker) -> Option<Value> {
    let value = m.of_rank(2)?;
    let shape = m.shape(value);
    let step = 1 + m.rng.below(2);
    let rows = (shape[0] - 1) / step + 1;
    let reads = vec![
        read(
            value,
            [
                Affine::new(shape[0] as i64 - 1, [(0, -(step as i64))]),
                Affine::new(shape[1] as i64 - 1, [(1, -1)]),
            ],
        ),
        plain(value, &[0, 1]),
    ];
    Some(m.map(&[rows, shape[1]], reads, product))
}

fn diagonal(m: &mut Maker) -> Option<Value> {
    let value = m.of_rank(2)?;
    let shape = m.shape(value);
    let length = shape[0].min(shape[1]);
    let reads = vec![plain(value, &[0, 0]), plain(value, &[0, 1])];
    let reduce = [shape[1]];
    Some(comprehension(
        &mut m.graph,
        (&[length], &reduce, SUM),
        Guard::always(),
        reads,
        product,
    ))
}

/// A tensor that nothing else reads, at its own places and at others: the result cannot be made in its memory.
fn read_twice(m: &mut Maker) -> Option<Value> {
    let value = m.any();
    let shape = m.shape(value);
    let fresh = m
        .graph
        .elementwise(Op::Tanh, &[value], &shape, Span::default());
    let all: Vec<usize> = (0..shape.len()).collect();
    let turned = m.rng.chance(0.5);
    let places = shape.iter().enumerate().map(|(axis, &size)| match turned {
        true => Affine::new(size as i64 - 1, [(axis, -1)]),
        false if axis == 0 => Affine::constant(0),
        false => Affine::index(axis),
    });
    let reads = vec![plain(fresh, &all), read(fresh, places)];
    Some(m.map(&shape, reads, product))
}

fn padding(m: &mut Maker) -> Option<Value> {
    let value = m.any();
    let shape = m.shape(value);
    let mut padded = shape.clone();
    let mut guard = Guard::always();
    let subscripts: Vec<Affine> = shape
        .iter()
        .enumerate()
        .map(|(axis, &size)| {
            let before = m.rng.below(2);
            padded[axis] += before + m.rng.below(2);
            let access = Affine::new(-(before as i64), [(axis, 1)]);
            guard = std::mem::take(&mut guard).and(&Guard::within(&access, size));
            access
        })
        .collect();
    let mut access = read(value, subscripts);
    access.guard = guard.simplified(&padded)?;
    access.fill.value = m.rng.pick(&[0.0, 0.5]);
    (padded.iter().product::<usize>() <= LARGEST)
        .then(|| m.map(&padded, vec![access], |b, r| b.op(Op::Sin, &[r[0]])))
}

/// A sum over the lower triangle.
fn domain(m: &mut Maker) -> Option<Value> {
    let value = m.of_rank(2)?;
    let shape = m.shape(value);
    let mut lower = Guard::always();
    lower.push(Condition::NonNegative(Affine::new(0, [(0, 1), (1, -1)])));
    let reads = vec![plain(value, &[0, 1])];
    let (free, reduce) = shape.split_at(1);
    Some(comprehension(
        &mut m.graph,
        (free, reduce, SUM),
        lower,
        reads,
        |b, r| tanh(b, r[0]),
    ))
}

fn gathered_rows(m: &mut Maker) -> Option<Value> {
    let table = m.of_rank(2)?;
    let shape = m.shape(table);
    let count = 1 + m.rng.below(4);
    let places = m.input(Type::new(DType::I32, [count]), 0.0, shape[0] as f64);
    let reads = vec![
        Read::affine(places, DType::I32, [Affine::index(0)]),
        gathered(
            table,
            vec![Subscript::Gather(0), Subscript::Affine(Affine::index(1))],
        ),
    ];
    Some(m.map(&[count, shape[1]], reads, |_, r| r[1]))
}

fn picked(m: &mut Maker) -> Option<Value> {
    let (scores, values) = (m.of_rank(2)?, m.of_rank(2)?);
    if m.shape(scores) != m.shape(values) {
        return None;
    }
    let rows = m.shape(values)[0];
    let best = m
        .graph
        .reduce(Reducer::ArgMax, scores, &[1], Span::default());
    let reads = vec![
        Read::affine(best, DType::I32, [Affine::index(0)]),
        gathered(
            values,
            vec![Subscript::Affine(Affine::index(0)), Subscript::Gather(0)],
        ),
    ];
    Some(m.map(&[rows], reads, |b, r| tanh(b, r[1])))
}

/// Overlapping windows of a maximum or minimum.
fn pool(m: &mut Maker) -> Option<Value> {
    let value = m.of_rank(2)?;
    let shape = m.shape(value);
    let (window, stride) = (2, 1 + m.rng.below(2));
    if shape[1] < window {
        return None;
    }
    let places = (shape[1] - window) / stride + 1;
    let reducer = m.rng.pick(&[Reducer::Max, Reducer::Min]);
    let reads = vec![read(
        value,
        [
            Affine::index(0),
            Affine::new(0, [(1, stride as i64), (2, 1)]),
        ],
    )];
    let shape = [shape[0], places];
    let kind = (&shape[..], &[window][..], Some(reducer));
    Some(comprehension(
        &mut m.graph,
        kind,
        Guard::always(),
        reads,
        |_, r| r[0],
    ))
}

fn reduction(m: &mut Maker) -> Option<Value> {
    let value = m.any();
    let rank = m.shape(value).len();
    if rank == 0 {
        return None;
    }
    let axis = m.rng.below(rank);
    let reducer = m
        .rng
        .pick(&[Reducer::Sum, Reducer::Prod, Reducer::Max, Reducer::Min]);
    Some(m.graph.reduce(reducer, value, &[axis], Span::default()))
}

fn concat(m: &mut Maker) -> Option<Value> {
    let (a, b) = (m.any(), m.any());
    let (x, y) = (m.shape(a), m.shape(b));
    let axis = (0..x.len()).find(|&axis| {
        x.len() == y.len() && (0..x.len()).all(|other| other == axis || x[other] == y[other])
    })?;
    let mut shape = x;
    shape[axis] += y[axis];
    let ty = Type::new(DType::F32, shape);
    (ty.len() <= LARGEST).then(|| {
        m.graph
            .add(Node::Concat(vec![a, b], axis), vec![ty], Span::default())[0]
    })
}

fn reshape(m: &mut Maker) -> Option<Value> {
    let value = m.any();
    let count: usize = m.shape(value).iter().product();
    let divisors: Vec<usize> = (1..=count).filter(|d| count.is_multiple_of(*d)).collect();
    let first = m.rng.pick(&divisors);
    let ty = Type::new(DType::F32, [first, count / first]);
    Some(m.graph.add(Node::Reshape(value), vec![ty], Span::default())[0])
}

/// `h' = tanh(h W + x_t) + s / 2; s' = sin(s h')`: two states, a captured matrix, one stack.
fn scan(m: &mut Maker) -> Option<Value> {
    let (sequence, weights) = (m.of_rank(2)?, m.of_rank(2)?);
    let axis = m.rng.below(2);
    let (length, width) = (m.shape(sequence)[axis], m.shape(sequence)[1 - axis]);
    if m.shape(weights) != [width, width] || length > 6 {
        return None;
    }
    let vector = Type::new(DType::F32, [width]);
    let states = vec![
        m.input(vector.clone(), -1.0, 1.0),
        m.input(vector.clone(), -1.0, 1.0),
    ];
    let mut body = Graph::new();
    body.input("turn", Type::scalar(DType::I32));
    let h = body.input("h", vector.clone());
    let s = body.input("s", vector.clone());
    let x = body.input("x", vector.clone());
    let w = body.input("w", Type::new(DType::F32, [width, width]));
    let reads = vec![plain(h, &[1]), plain(w, &[1, 0])];
    let z = comprehension(
        &mut body,
        (&[width], &[width], SUM),
        Guard::always(),
        reads,
        product,
    );
    let reads = vec![plain(z, &[0]), plain(x, &[0]), plain(s, &[0])];
    let new = comprehension(
        &mut body,
        (&[width], &[], None),
        Guard::always(),
        reads,
        |b, r| {
            let sum = b.op(Op::Add, &[r[0], r[1]]);
            let bent = tanh(b, sum);
            let half = b.constant(DType::F32, 0.5);
            let carried = b.op(Op::Mul, &[r[2], half]);
            b.op(Op::Add, &[bent, carried])
        },
    );
    let reads = vec![plain(s, &[0]), plain(new, &[0])];
    let second = comprehension(
        &mut body,
        (&[width], &[], None),
        Guard::always(),
        reads,
        |b, r| {
            let both = b.op(Op::Mul, &[r[0], r[1]]);
            b.op(Op::Sin, &[both])
        },
    );
    body.outputs = vec![new, second, if m.rng.chance(0.5) { new } else { second }];
    let stack = m.rng.below(2);
    let shape = if stack == 0 {
        [length, width]
    } else {
        [width, length]
    };
    let types = vec![vector.clone(), vector, Type::new(DType::F32, shape)];
    let scan = Scan {
        length,
        reverse: m.rng.chance(0.5),
        states,
        sequences: vec![(sequence, axis)],
        captured: vec![weights],
        stacks: vec![stack],
        body: Box::new(body),
    };
    let results = m.graph.add(Node::Scan(scan), types, Span::default());
    m.pool.push(results[0]);
    m.pool.push(results[1]);
    Some(results[2])
}

/// `y[i, j] = sum[k] a[i, k] b[k, j] c[i] f(c[k])` and the like: products that must be taken apart.
fn three_factors(m: &mut Maker) -> Option<Value> {
    let (a, b, c) = (m.of_rank(2)?, m.of_rank(2)?, m.of_rank(1)?);
    let (x, y, z) = (m.shape(a), m.shape(b), m.shape(c));
    if x[1] != y[0] || (z[0] != x[1] && z[0] != x[0] && z[0] != y[1]) {
        return None;
    }
    let index = [2, 0, 1][[x[1], x[0], y[1]].iter().position(|&size| size == z[0])?];
    let reads = vec![plain(a, &[0, 2]), plain(b, &[2, 1]), plain(c, &[index])];
    let shape = [x[0], y[1]];
    let causal = m.rng.chance(0.4);
    let mut domain = Guard::always();
    if causal {
        domain.push(Condition::NonNegative(Affine::new(1, [(0, 1), (2, -1)])));
    }
    Some(comprehension(
        &mut m.graph,
        (&shape, &x[1..], SUM),
        domain,
        reads,
        |b, r| {
            let bent = b.op(Op::Sin, &[r[2]]);
            let first = b.op(Op::Mul, &[r[0], bent]);
            let all = b.op(Op::Mul, &[first, r[1]]);
            b.op(Op::Neg, &[all])
        },
    ))
}

/// `y[b, i, j] = sum[k] x[b, i, k] x[b, j, k]`
fn batched(m: &mut Maker) -> Option<Value> {
    let value = m.of_rank(3)?;
    let shape = m.shape(value);
    let reads = vec![plain(value, &[0, 1, 3]), plain(value, &[0, 2, 3])];
    let free = [shape[0], shape[1], shape[1]];
    let kind = (&free[..], &shape[2..], SUM);
    let gram = comprehension(&mut m.graph, kind, Guard::always(), reads, product);
    // Bounded, so that repeated squaring does not grow beyond what differences resolve.
    Some(
        m.graph
            .elementwise(Op::Tanh, &[gram], &free, Span::default()),
    )
}

/// `y[q] = x[q / 2]` where 2 divides q, else 0.
fn upsampling(m: &mut Maker) -> Option<Value> {
    let value = m.of_rank(1)?;
    let size = 2 * m.shape(value)[0];
    let mut access = read(value, [Affine::index(0).over(2)]);
    access.guard.push(Condition::Divisible(Affine::index(0), 2));
    (size <= LARGEST).then(|| m.map(&[size], vec![access], |b, r| tanh(b, r[0])))
}

fn stopped(m: &mut Maker) -> Option<Value> {
    // Of a value without inputs, so that differences agree with what flows.
    let shape = [1 + m.rng.below(3), 1 + m.rng.below(3)];
    let value = m.graph.splat(DType::F32, 0.7, &shape, Span::default());
    let ty = m.graph.ty(value).clone();
    Some(
        m.graph
            .add(Node::StopGradient(value), vec![ty], Span::default())[0],
    )
}

/// The gradient of a bounded function of one value with respect to an input.
fn gradient_of(m: &mut Maker, value: Value) -> Option<Value> {
    let shape = m.shape(value);
    let bent = m
        .graph
        .elementwise(Op::Sin, &[value], &shape, Span::default());
    let total = weighted_sum(&mut m.graph, &mut m.rng, bent);
    let inputs: Vec<Value> = m
        .graph
        .inputs
        .iter()
        .filter(|input| input.ty.dtype.is_float())
        .map(|input| input.value)
        .collect();
    let source = m.rng.pick(&inputs);
    let node = Node::Gradient {
        of: total,
        with_respect_to: vec![source],
    };
    let ty = m.graph.ty(source).clone();
    let result = m.graph.add(node, vec![ty], Span::default())[0];
    m.gradients.push(result);
    Some(result)
}

fn gradient(m: &mut Maker) -> Option<Value> {
    let value = m.any();
    gradient_of(m, value)
}

fn gradient_of_gradient(m: &mut Maker) -> Option<Value> {
    if m.gradients.is_empty() {
        return None;
    }
    let value = m.rng.pick(&m.gradients);
    gradient_of(m, value)
}
