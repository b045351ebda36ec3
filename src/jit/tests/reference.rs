//! Kernels evaluated plainly, point by point, on byte buffers: written apart from the code generator, by the documents only.
use crate::base::types::DType;
use crate::kir::{Access, GatherTerm, Kernel, Nest, STATUS_FINE};
use crate::ops::math::{self, Scalar};
use crate::ops::math64;
use crate::tir::{Inst, Literal, Op, Order, Reducer};

/// A value of a body; `bool` as 0 or 1 in `I`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    F(f32),
    D(f64),
    I(i32),
    B(bool),
}

use Number::{B, D, F, I};

#[derive(Debug, Clone)]
pub struct Buffers {
    pub dtypes: Vec<DType>,
    /// Eight bytes a word, so that every element type is aligned.
    pub words: Vec<Vec<u64>>,
    lengths: Vec<usize>,
}

impl Buffers {
    pub fn new() -> Buffers {
        Buffers {
            dtypes: Vec::new(),
            words: Vec::new(),
            lengths: Vec::new(),
        }
    }

    pub fn add(&mut self, dtype: DType, values: impl IntoIterator<Item = f64>) -> u32 {
        let values: Vec<f64> = values.into_iter().collect();
        self.dtypes.push(dtype);
        self.words.push(vec![0; values.len() + 1]);
        self.lengths.push(values.len());
        let at = self.dtypes.len() - 1;
        for (index, &value) in values.iter().enumerate() {
            let number = match dtype {
                DType::F32 => F(value as f32),
                DType::F64 => D(value),
                DType::I32 | DType::U8 => I(value as i32),
                DType::Bool => B(value != 0.0),
            };
            self.set(at, index, number);
        }
        at as u32
    }

    pub fn lengths(&self) -> Vec<usize> {
        self.lengths.clone()
    }

    pub fn pointers(&mut self) -> Vec<*mut u8> {
        let words = self.words.iter_mut();
        words.map(|words| words.as_mut_ptr().cast()).collect()
    }

    fn bytes(&self, buffer: usize, index: usize) -> [u8; 8] {
        let size = self.dtypes[buffer].size();
        let mut bytes = [0; 8];
        for (at, byte) in bytes.iter_mut().enumerate().take(size) {
            let place = index * size + at;
            *byte = self.words[buffer][place / 8].to_ne_bytes()[place % 8];
        }
        bytes
    }

    pub fn get(&self, buffer: usize, index: usize) -> Number {
        assert!(index < self.lengths[buffer], "b{buffer}[{index}]");
        let bytes = self.bytes(buffer, index);
        let four = [bytes[0], bytes[1], bytes[2], bytes[3]];
        match self.dtypes[buffer] {
            DType::F32 => F(f32::from_ne_bytes(four)),
            DType::F64 => D(f64::from_ne_bytes(bytes)),
            DType::I32 => I(i32::from_ne_bytes(four)),
            DType::Bool => B(bytes[0] != 0),
            DType::U8 => I(i32::from(bytes[0])),
        }
    }

    pub fn set(&mut self, buffer: usize, index: usize, number: Number) {
        assert!(index < self.lengths[buffer], "b{buffer}[{index}]");
        let bytes = match number {
            F(x) => x.to_ne_bytes().to_vec(),
            D(x) => x.to_ne_bytes().to_vec(),
            I(x) if self.dtypes[buffer] == DType::U8 => vec![x as u8],
            I(x) => x.to_ne_bytes().to_vec(),
            B(x) => vec![u8::from(x)],
        };
        assert_eq!(bytes.len(), self.dtypes[buffer].size());
        for (at, byte) in bytes.iter().enumerate() {
            let place = index * bytes.len() + at;
            let mut word = self.words[buffer][place / 8].to_ne_bytes();
            word[place % 8] = *byte;
            self.words[buffer][place / 8] = u64::from_ne_bytes(word);
        }
    }

    /// The first element that differs in its bits; NaNs are all one.
    pub fn difference(&self, other: &Buffers) -> Option<String> {
        for buffer in 0..self.dtypes.len() {
            for index in 0..self.lengths[buffer] {
                let (a, b) = (self.get(buffer, index), other.get(buffer, index));
                let nan = match (a, b) {
                    (F(a), F(b)) => a.is_nan() && b.is_nan(),
                    (D(a), D(b)) => a.is_nan() && b.is_nan(),
                    _ => false,
                };
                if !nan && self.bytes(buffer, index) != other.bytes(buffer, index) {
                    return Some(format!("b{buffer}[{index}] is {b:?} for {a:?}"));
                }
            }
        }
        None
    }
}

fn literal(literal: Literal) -> Number {
    match literal.dtype {
        DType::F32 => F(literal.value as f32),
        DType::F64 => D(literal.value),
        DType::I32 | DType::U8 => I(literal.value as i32),
        DType::Bool => B(literal.value != 0.0),
    }
}

struct Run<'a> {
    kernel: &'a Kernel,
    buffers: &'a mut Buffers,
    status: u64,
    /// Products are rounded before they are added.
    unfused: bool,
}

/// Runs the kernel over its whole range; gives the status word.
pub fn run(kernel: &Kernel, buffers: &mut Buffers, unfused: bool) -> u64 {
    let mut run = Run {
        kernel,
        buffers,
        status: STATUS_FINE,
        unfused,
    };
    for nest in &kernel.nests {
        run.nest(nest);
        if kernel.outer == 0 && run.status != STATUS_FINE {
            break;
        }
    }
    run.status
}

fn points(extents: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for &extent in extents {
        all = all
            .iter()
            .flat_map(|point: &Vec<usize>| {
                (0..extent).map(|at| point.iter().copied().chain([at]).collect())
            })
            .collect();
    }
    all
}

impl Run<'_> {
    fn nest(&mut self, nest: &Nest) {
        for free in points(&nest.free) {
            if nest.store.accumulate {
                self.scatter(nest, &free);
                continue;
            }
            let value = match nest.reducer {
                Some(reducer) => self.reduce(nest, reducer, &free),
                None if nest.domain.holds(&free) => self.body(nest, &free).0,
                None => zero(self.kernel.buffers[nest.store.buffer as usize]),
            };
            let target = nest.store.offset.at(&free) as usize;
            self.buffers.set(nest.store.buffer as usize, target, value);
        }
    }

    fn scatter(&mut self, nest: &Nest, point: &[usize]) {
        if !nest.domain.holds(point) {
            return;
        }
        let (value, found) = self.body(nest, point);
        let mut target = nest.store.offset.at(point) as usize;
        for gather in &nest.store.gathers {
            match self.position(gather, &found) {
                Some(position) => target += position * gather.stride,
                None => return,
            }
        }
        let buffer = nest.store.buffer as usize;
        let sum = op(Op::Add, &[self.buffers.get(buffer, target), value]);
        self.buffers.set(buffer, target, sum);
    }

    /// A checked position; `None` where it is out of bounds, which is reported.
    fn position(&mut self, gather: &GatherTerm, found: &[Number]) -> Option<usize> {
        let I(position) = found[gather.access as usize] else {
            panic!("a position that is no integer");
        };
        if let Ok(position) = usize::try_from(position)
            && position < gather.bound
        {
            return Some(position);
        }
        let word = u64::from(gather.check) << 32 | u64::from(position as u32);
        self.status = self.status.min(word);
        None
    }

    fn access(&mut self, access: &Access, point: &[usize], found: &[Number]) -> Number {
        if !access.guard.holds(point) {
            return literal(access.fill);
        }
        let mut offset = access.offset.at(point);
        for gather in &access.gathers {
            let position = self.position(gather, found).unwrap_or(0);
            offset += (position * gather.stride) as i64;
        }
        self.buffers.get(access.buffer as usize, offset as usize)
    }

    fn body(&mut self, nest: &Nest, point: &[usize]) -> (Number, Vec<Number>) {
        let mut found: Vec<Number> = Vec::new();
        for access in &nest.accesses {
            let number = self.access(access, point, &found);
            found.push(number);
        }
        let mut values: Vec<Number> = Vec::new();
        for inst in &nest.body.insts {
            values.push(match inst {
                Inst::Read(access) => found[*access as usize],
                Inst::Index(index) => I(point[*index as usize] as i32),
                Inst::Const(constant) => literal(*constant),
                Inst::Op(operator, arguments) => {
                    let arguments: Vec<Number> =
                        arguments.iter().map(|&a| values[a as usize]).collect();
                    op(*operator, &arguments)
                }
            });
        }
        (values[nest.body.result as usize], found)
    }

    /// The two factors where the body is exactly a product of two reads.
    fn factors(&self, nest: &Nest) -> Option<(usize, usize)> {
        let Inst::Op(Op::Mul, arguments) = &nest.body.insts[nest.body.result as usize] else {
            return None;
        };
        let read = |at: u32| match nest.body.insts[at as usize] {
            Inst::Read(access) => Some(access as usize),
            _ => None,
        };
        Some((read(arguments[0])?, read(arguments[1])?))
    }

    fn reduce(&mut self, nest: &Nest, reducer: Reducer, free: &[usize]) -> Number {
        let dtype = self.body_type(nest);
        let start = identity(reducer, dtype);
        let mut positions = points(&nest.reduce).into_iter().enumerate();
        let last = nest.reduce.last().copied().unwrap_or(1);
        match (reducer, nest.order) {
            (Reducer::ArgMax, _) => {
                let mut best: Option<(Number, i32)> = None;
                for (at, rest) in positions.by_ref() {
                    if let Some((value, _)) = self.element(nest, free, &rest)
                        && best.is_none_or(|(other, _)| exceeds(value, other))
                    {
                        best = Some((value, at as i32));
                    }
                }
                I(best.map_or(0, |(_, at)| at))
            }
            (_, Order::Lanes) => {
                let mut lanes = [start; 16];
                for (at, rest) in positions.by_ref() {
                    self.take(nest, reducer, free, &rest, &mut lanes[at % last % 16]);
                }
                for half in [8, 4, 2, 1] {
                    for lane in 0..half {
                        lanes[lane] = combine(reducer, lanes[lane], lanes[lane + half]);
                    }
                }
                lanes[0]
            }
            (_, Order::Chain) => {
                let pieces = reducer == Reducer::Sum;
                let length = if pieces {
                    nest.piece_length
                } else {
                    usize::MAX
                };
                let (mut total, mut sum) = (start, start);
                for (at, rest) in positions.by_ref() {
                    if at > 0 && at % length == 0 {
                        total = combine(reducer, total, sum);
                        sum = start;
                    }
                    self.take(nest, reducer, free, &rest, &mut sum);
                }
                combine(reducer, total, sum)
            }
        }
    }

    fn body_type(&self, nest: &Nest) -> DType {
        let reads = nest.accesses.iter();
        let reads: Vec<DType> = reads
            .map(|access| self.kernel.buffers[access.buffer as usize])
            .collect();
        nest.body.types(&reads).expect("sound")[nest.body.result as usize]
    }

    fn element(
        &mut self,
        nest: &Nest,
        free: &[usize],
        rest: &[usize],
    ) -> Option<(Number, Vec<Number>)> {
        let point: Vec<usize> = free.iter().chain(rest).copied().collect();
        let inside = nest.domain.holds(&point);
        inside.then(|| self.body(nest, &point))
    }

    fn take(
        &mut self,
        nest: &Nest,
        reducer: Reducer,
        free: &[usize],
        rest: &[usize],
        sum: &mut Number,
    ) {
        let Some((value, found)) = self.element(nest, free, rest) else {
            return;
        };
        let factors = self.factors(nest).map(|(a, b)| (found[a], found[b]));
        *sum = match (reducer, factors, *sum) {
            (Reducer::Sum, Some((F(a), F(b))), F(c)) if !self.unfused => F(a.mul_add(b, c)),
            (Reducer::Sum, Some((D(a), D(b))), D(c)) if !self.unfused => D(a.mul_add(b, c)),
            (_, _, sum) => combine(reducer, sum, value),
        };
    }
}

fn zero(dtype: DType) -> Number {
    literal(Literal { dtype, value: 0.0 })
}

fn identity(reducer: Reducer, dtype: DType) -> Number {
    let (least, most) = match dtype {
        DType::I32 | DType::U8 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let value = match reducer {
        Reducer::Sum => 0.0,
        Reducer::Prod => 1.0,
        Reducer::Max | Reducer::ArgMax => least,
        Reducer::Min => most,
    };
    literal(Literal { dtype, value })
}

fn exceeds(value: Number, best: Number) -> bool {
    match (value, best) {
        (F(a), F(b)) => a > b || (a.is_nan() && !b.is_nan()),
        (D(a), D(b)) => a > b || (a.is_nan() && !b.is_nan()),
        (I(a), I(b)) => a > b,
        _ => panic!("types"),
    }
}

fn combine(reducer: Reducer, a: Number, b: Number) -> Number {
    match reducer {
        Reducer::Sum => op(Op::Add, &[a, b]),
        Reducer::Prod => op(Op::Mul, &[a, b]),
        Reducer::Max | Reducer::ArgMax => op(Op::Max, &[a, b]),
        Reducer::Min => op(Op::Min, &[a, b]),
    }
}

fn op(op: Op, arguments: &[Number]) -> Number {
    match (op, arguments) {
        (Op::And, &[B(a), B(b)]) => B(a & b),
        (Op::Or, &[B(a), B(b)]) => B(a | b),
        (Op::Not, &[B(a)]) => B(!a),
        (Op::Select, &[B(mask), a, b]) => {
            if mask {
                a
            } else {
                b
            }
        }
        (Op::Eq, &[a, b]) => B(a == b),
        (Op::Ne, &[a, b]) => B(a != b),
        (Op::Lt, &[F(a), F(b)]) => B(a < b),
        (Op::Lt, &[D(a), D(b)]) => B(a < b),
        (Op::Lt, &[I(a), I(b)]) => B(a < b),
        (Op::Le, &[F(a), F(b)]) => B(a <= b),
        (Op::Le, &[D(a), D(b)]) => B(a <= b),
        (Op::Le, &[I(a), I(b)]) => B(a <= b),
        (Op::ToF32, &[a]) => F(match a {
            F(x) => x,
            D(x) => x as f32,
            I(x) => x as f32,
            B(x) => f32::from(u8::from(x)),
        }),
        (Op::ToF64, &[a]) => D(match a {
            F(x) => f64::from(x),
            D(x) => x,
            I(x) => f64::from(x),
            B(x) => f64::from(u8::from(x)),
        }),
        (Op::ToI32, &[a]) => I(match a {
            F(x) => x as i32,
            D(x) => x as i32,
            I(x) => x,
            B(x) => i32::from(x),
        }),
        (Op::ToBool, &[a]) => B(match a {
            F(x) => x != 0.0,
            D(x) => x != 0.0,
            I(x) => x != 0,
            B(x) => x,
        }),
        (Op::UnitUniform, &[I(a)]) => F(math::unit_uniform(&mut Scalar, a)),
        (Op::Philox, &[I(a), I(b), I(c), I(d), I(e), I(f)]) => {
            I(math::philox4x32_10(&mut Scalar, [a, b, c, d], [e, f])[0])
        }
        (_, &[F(a)]) => F(math::float_op(&mut Scalar, op, &[a]).expect("unary")),
        (_, &[F(a), F(b)]) => F(math::float_op(&mut Scalar, op, &[a, b]).expect("binary")),
        (_, &[D(a)]) => D(double(op, a)),
        (_, &[D(a), D(b)]) => D(double_binary(op, a, b)),
        (_, &[I(a)]) => I(match op {
            Op::Neg => a.wrapping_neg(),
            Op::Abs => a.wrapping_abs(),
            Op::Sign => a.signum(),
            _ => panic!("{op:?}"),
        }),
        (_, &[I(a), I(b)]) => I(integer(op, a, b)),
        _ => panic!("{op:?} {arguments:?}"),
    }
}

fn double(op: Op, a: f64) -> f64 {
    match op {
        Op::Neg => -a,
        Op::Abs => a.abs(),
        Op::Sign if a > 0.0 => 1.0,
        Op::Sign if a < 0.0 => -1.0,
        Op::Sign => a,
        Op::Sqrt => a.sqrt(),
        Op::Floor => a.floor(),
        _ => math64::unary(op).expect("unary")(a),
    }
}

fn double_binary(op: Op, a: f64, b: f64) -> f64 {
    match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div => a / b,
        Op::FloorDiv => (a / b).floor(),
        Op::Mod => a - b * (a / b).floor(),
        Op::Min | Op::Max if a.is_nan() => a,
        Op::Min if a <= b => a,
        Op::Max if a >= b => a,
        Op::Min | Op::Max => b,
        _ => math64::binary(op).expect("binary")(a, b),
    }
}

fn floor_division(a: i32, b: i32) -> i32 {
    if b == 0 {
        return 0;
    }
    let quotient = i64::from(a).div_euclid(i64::from(b));
    // Euclid's quotient is rounded up for a negative divisor.
    let exact = i64::from(a) % i64::from(b) == 0;
    (if b < 0 && !exact {
        quotient - 1
    } else {
        quotient
    }) as i32
}

fn integer(op: Op, a: i32, b: i32) -> i32 {
    match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::Min => a.min(b),
        Op::Max => a.max(b),
        Op::FloorDiv => floor_division(a, b),
        Op::Mod => a.wrapping_sub(b.wrapping_mul(floor_division(a, b))),
        _ => panic!("{op:?}"),
    }
}
