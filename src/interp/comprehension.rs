//! Comprehensions and scatters, point by point.
use super::{Dense, Environment, InterpError};
use crate::base::source::Span;
use crate::base::types::{DType, strides};
use crate::ops::evaluate::{evaluate, rounded};
use crate::tir::{
    Body, Comprehension, Inst, Op, Order, Read, Reducer, Scatter, Subscript, piece_length,
};

/// How many lanes [`Order::Lanes`] has.
const LANES: usize = 16;

/// A body and its reads, ready to be evaluated at any point.
pub(super) struct Evaluator<'a> {
    environment: &'a Environment<'a>,
    reads: &'a [Read],
    operands: Vec<&'a Dense>,
    body: &'a Body,
    /// Type of each instruction, as computed.
    types: Vec<DType>,
    origin: Span,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        environment: &'a Environment<'a>,
        reads: &'a [Read],
        body: &'a Body,
        origin: Span,
    ) -> Result<Evaluator<'a>, InterpError> {
        let read_types: Vec<DType> = reads
            .iter()
            .map(|read| environment.graph.ty(read.value).dtype)
            .collect();
        let types = body
            .types(&read_types)
            .ok_or_else(|| InterpError::Malformed("an operator's arguments do not fit it".into()))?
            .into_iter()
            .map(|dtype| environment.precision.of(dtype))
            .collect();
        let operands = reads
            .iter()
            .map(|read| environment.get(read.value))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Evaluator {
            environment,
            reads,
            operands,
            body,
            types,
            origin,
        })
    }

    /// The position that a subscript finds, within `0..size`.
    fn position(
        &self,
        subscript: &Subscript,
        size: usize,
        point: &[usize],
    ) -> Result<usize, InterpError> {
        let index = match subscript {
            Subscript::Affine(affine) => affine.at(point),
            Subscript::Gather(read) => self.element(*read as usize, point)? as i64,
        };
        usize::try_from(index)
            .ok()
            .filter(|&position| position < size)
            .ok_or(InterpError::OutOfRange {
                index,
                size,
                origin: self.origin,
            })
    }

    /// What a read finds at a point.
    fn element(&self, read: usize, point: &[usize]) -> Result<f64, InterpError> {
        let (access, operand) = (&self.reads[read], self.operands[read]);
        if !access.guard.holds(point) {
            let dtype = self.environment.precision.of(access.fill.dtype);
            return Ok(rounded(dtype, access.fill.value));
        }
        let mut offset = 0;
        for (subscript, &size) in access.subscripts.iter().zip(&operand.shape) {
            offset = offset * size + self.position(subscript, size, point)?;
        }
        Ok(operand.elements[offset])
    }

    /// The values of all instructions at a point.
    fn values(&self, point: &[usize], values: &mut Vec<f64>) -> Result<(), InterpError> {
        values.clear();
        for inst in &self.body.insts {
            let value = match inst {
                Inst::Read(read) => self.element(*read as usize, point)?,
                Inst::Index(index) => point[*index as usize] as f64,
                Inst::Const(literal) => {
                    let dtype = self.environment.precision.of(literal.dtype);
                    rounded(dtype, literal.value)
                }
                Inst::Op(op, arguments) => self.operate(*op, arguments, values)?,
            };
            values.push(value);
        }
        Ok(())
    }

    fn operate(&self, op: Op, arguments: &[u32], values: &[f64]) -> Result<f64, InterpError> {
        // A conversion to f32 rounds only where floats are computed as typed.
        let op = match op {
            Op::ToF32 if self.environment.precision.of(DType::F32) == DType::F64 => Op::ToF64,
            other => other,
        };
        let (mut types, mut given) = ([DType::Bool; 6], [0.0; 6]);
        for (at, &argument) in arguments.iter().enumerate() {
            types[at] = self.types[argument as usize];
            given[at] = values[argument as usize];
        }
        let count = arguments.len();
        evaluate(op, &types[..count], &given[..count]).ok_or_else(|| {
            InterpError::Malformed(format!("{} of what it does not take", op.name()))
        })
    }

    /// The two factors of a body that is exactly a product of two float reads.
    fn product(&self) -> Option<(usize, usize)> {
        let result = self.body.result as usize;
        let Some(Inst::Op(Op::Mul, arguments)) = self.body.insts.get(result) else {
            return None;
        };
        let is_read = |&at: &u32| matches!(self.body.insts[at as usize], Inst::Read(_));
        (self.types[result].is_float() && arguments.iter().all(is_read))
            .then(|| (arguments[0] as usize, arguments[1] as usize))
    }

    pub(super) fn comprehension(&self, c: &Comprehension) -> Result<Dense, InterpError> {
        let dtype = self.environment.precision.of(c.dtype);
        let mut elements = Vec::with_capacity(c.shape.iter().product());
        let mut values = Vec::new();
        for_each_point(&c.shape, |free| {
            let value = match c.reducer {
                None if !c.domain.holds(free) => 0.0,
                None => {
                    self.values(free, &mut values)?;
                    values[self.body.result as usize]
                }
                Some(reducer) => self.reduce(c, reducer, dtype, free, &mut values)?,
            };
            elements.push(value);
            Ok(())
        })?;
        Ok(Dense {
            shape: c.shape.clone(),
            elements,
        })
    }

    fn reduce(
        &self,
        c: &Comprehension,
        reducer: Reducer,
        dtype: DType,
        free: &[usize],
        values: &mut Vec<f64>,
    ) -> Result<f64, InterpError> {
        let fused = match reducer {
            Reducer::Sum => self.product(),
            Reducer::Prod | Reducer::Max | Reducer::Min | Reducer::ArgMax => None,
        };
        let length: usize = c.reduce.iter().product();
        let mut accumulator = Accumulator::new(reducer, c.order, dtype, length);
        let mut point = free.to_vec();
        let mut position = 0;
        for_each_point(&c.reduce, |reduced| {
            point.truncate(free.len());
            point.extend_from_slice(reduced);
            if c.domain.holds(&point) {
                self.values(&point, values)?;
                let last = reduced.last().copied().unwrap_or(0);
                match fused {
                    Some((a, b)) => accumulator.fuse(position, last, values[a], values[b]),
                    None => accumulator.add(position, last, values[self.body.result as usize]),
                }
            }
            position += 1;
            Ok(())
        })?;
        Ok(accumulator.finish())
    }

    pub(super) fn scatter(&self, s: &Scatter) -> Result<Dense, InterpError> {
        let dtype = self.environment.precision.of(s.dtype);
        let mut elements = vec![0.0; s.shape.iter().product()];
        let strides = strides(&s.shape);
        let mut values = Vec::new();
        for_each_point(&s.extents, |point| {
            if !s.domain.holds(point) {
                return Ok(());
            }
            let mut offset = 0;
            for ((subscript, &size), stride) in s.target.iter().zip(&s.shape).zip(&strides) {
                offset += self.position(subscript, size, point)? * stride;
            }
            self.values(point, &mut values)?;
            let added = values[self.body.result as usize];
            elements[offset] = combine(Reducer::Sum, dtype, elements[offset], added);
            Ok(())
        })?;
        Ok(Dense {
            shape: s.shape.clone(),
            elements,
        })
    }
}

/// Calls for every point of a box in row-major order.
fn for_each_point(
    extents: &[usize],
    mut visit: impl FnMut(&[usize]) -> Result<(), InterpError>,
) -> Result<(), InterpError> {
    if extents.contains(&0) {
        return Ok(());
    }
    let mut point = vec![0; extents.len()];
    loop {
        visit(&point)?;
        let Some(axis) = (0..extents.len())
            .rev()
            .find(|&axis| point[axis] + 1 < extents[axis])
        else {
            return Ok(());
        };
        point[axis] += 1;
        point[axis + 1..].fill(0);
    }
}

/// The chains of one reduction: one, or one a piece, or one a lane.
struct Accumulator {
    reducer: Reducer,
    order: Order,
    dtype: DType,
    piece: usize,
    chains: Vec<f64>,
    /// For the position of the maximum: where it was, once there is an element.
    best: Option<usize>,
}

/// The value of a reduction of nothing.
fn start(reducer: Reducer, dtype: DType) -> f64 {
    match (reducer, dtype) {
        (Reducer::Sum, _) => 0.0,
        (Reducer::Prod, _) => 1.0,
        (Reducer::Max, DType::I32) => f64::from(i32::MIN),
        (Reducer::Min, DType::I32) => f64::from(i32::MAX),
        (Reducer::Max | Reducer::ArgMax, _) => f64::NEG_INFINITY,
        (Reducer::Min, _) => f64::INFINITY,
    }
}

fn combine(reducer: Reducer, dtype: DType, a: f64, b: f64) -> f64 {
    let op = match reducer {
        Reducer::Sum => Op::Add,
        Reducer::Prod => Op::Mul,
        Reducer::Max | Reducer::ArgMax => Op::Max,
        Reducer::Min => Op::Min,
    };
    // The verifier admits only numbers here.
    evaluate(op, &[dtype, dtype], &[a, b]).unwrap_or(f64::NAN)
}

impl Accumulator {
    fn new(reducer: Reducer, order: Order, dtype: DType, length: usize) -> Accumulator {
        let (piece, count) = match (reducer, order) {
            (Reducer::ArgMax, _) => (length.max(1), 1),
            (_, Order::Lanes) => (length.max(1), LANES),
            (Reducer::Sum, Order::Chain) => {
                let piece = piece_length(length);
                (piece, length.div_ceil(piece).max(1))
            }
            (Reducer::Prod | Reducer::Max | Reducer::Min, Order::Chain) => (length.max(1), 1),
        };
        Accumulator {
            reducer,
            order,
            dtype,
            piece,
            chains: vec![start(reducer, dtype); count],
            best: None,
        }
    }

    /// The chain of the element at `position` of the whole reduction, `last` being its last index.
    fn chain(&mut self, position: usize, last: usize) -> &mut f64 {
        let at = match self.order {
            _ if self.chains.len() == 1 => 0,
            Order::Chain => position / self.piece,
            Order::Lanes => last % LANES,
        };
        &mut self.chains[at]
    }

    fn add(&mut self, position: usize, last: usize, value: f64) {
        let (reducer, dtype) = (self.reducer, self.dtype);
        if reducer == Reducer::ArgMax {
            let best = self.chains[0];
            if self.best.is_none() || value > best || (value.is_nan() && !best.is_nan()) {
                (self.chains[0], self.best) = (value, Some(position));
            }
            return;
        }
        let chain = self.chain(position, last);
        *chain = combine(reducer, dtype, *chain, value);
    }

    fn fuse(&mut self, position: usize, last: usize, a: f64, b: f64) {
        let narrow = self.dtype == DType::F32;
        let chain = self.chain(position, last);
        *chain = match narrow {
            true => f64::from((a as f32).mul_add(b as f32, *chain as f32)),
            false => a.mul_add(b, *chain),
        };
    }

    fn finish(mut self) -> f64 {
        if self.reducer == Reducer::ArgMax {
            return self.best.unwrap_or(0) as f64;
        }
        if self.order == Order::Lanes {
            let mut half = LANES / 2;
            while half > 0 {
                for lane in 0..half {
                    let (a, b) = (self.chains[lane], self.chains[lane + half]);
                    self.chains[lane] = combine(self.reducer, self.dtype, a, b);
                }
                half /= 2;
            }
            return self.chains[0];
        }
        let mut total = self.chains[0];
        for &piece in &self.chains[1..] {
            total = combine(self.reducer, self.dtype, total, piece);
        }
        total
    }
}
