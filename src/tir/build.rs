//! Shorthands for building common comprehensions.
use super::affine::{Affine, Guard};
use super::graph::{
    Body, Comprehension, Graph, Inst, Literal, Order, Read, Reducer, Subscript, Value,
};
use super::op::Op;
use crate::base::source::Span;
use crate::base::types::DType;

impl Read {
    /// An unguarded read by affine subscripts.
    pub fn affine(
        value: Value,
        dtype: DType,
        subscripts: impl IntoIterator<Item = Affine>,
    ) -> Read {
        Read {
            value,
            subscripts: subscripts.into_iter().map(Subscript::Affine).collect(),
            guard: Guard::always(),
            fill: Literal { dtype, value: 0.0 },
        }
    }
}

impl Graph {
    /// The read of a whole value by the first indices in order, broadcast by NumPy's rule to `shape`: aligned from the right, size 1 stretches.
    pub fn broadcast_read(&self, value: Value, shape: &[usize]) -> Read {
        let ty = self.ty(value);
        let lead = shape.len().saturating_sub(ty.shape.len());
        let subscripts = ty.shape.iter().enumerate().map(|(axis, &size)| match size {
            1 if shape.get(lead + axis) != Some(&1) => Affine::constant(0),
            _ => Affine::index(lead + axis),
        });
        Read::affine(value, ty.dtype, subscripts)
    }

    /// `out[b, ...] = whole[rows[b], ...]` for an `i32` vector of rows.
    pub fn gather_rows(&mut self, whole: Value, rows: Value) -> Value {
        let ty = self.ty(whole).clone();
        let mut shape = ty.shape.clone();
        if let (Some(first), Some(&count)) = (shape.first_mut(), self.ty(rows).shape.first()) {
            *first = count;
        }
        let mut element = Read::affine(whole, ty.dtype, (0..ty.shape.len()).map(Affine::index));
        if let Some(first) = element.subscripts.first_mut() {
            *first = Subscript::Gather(0);
        }
        let reads = vec![Read::affine(rows, DType::I32, [Affine::index(0)]), element];
        let mut body = Body::default();
        body.result = body.push(Inst::Read(1));
        self.comprehension(map(&shape, reads, body, ty.dtype), Span::default())
    }

    /// An operator applied element by element to operands broadcast to `shape`; the operands' element types must suit the operator.
    pub fn elementwise(
        &mut self,
        op: Op,
        operands: &[Value],
        shape: &[usize],
        origin: Span,
    ) -> Value {
        let reads: Vec<Read> = operands
            .iter()
            .map(|&value| self.broadcast_read(value, shape))
            .collect();
        let mut body = Body::default();
        let arguments: Vec<u32> = (0..operands.len() as u32)
            .map(|read| body.push(Inst::Read(read)))
            .collect();
        body.result = body.op(op, &arguments);
        let types: Vec<DType> = operands.iter().map(|&value| self.ty(value).dtype).collect();
        let dtype = body
            .types(&types)
            .and_then(|types| types.get(body.result as usize).copied())
            .unwrap_or(types[0]);
        self.comprehension(map(shape, reads, body, dtype), origin)
    }

    /// A tensor of one repeated number.
    pub fn splat(&mut self, dtype: DType, value: f64, shape: &[usize], origin: Span) -> Value {
        let mut body = Body::default();
        body.result = body.constant(dtype, value);
        self.comprehension(map(shape, Vec::new(), body, dtype), origin)
    }

    /// Reduces the given axes of a value, leaving the others in order.
    pub fn reduce(
        &mut self,
        reducer: Reducer,
        value: Value,
        axes: &[usize],
        origin: Span,
    ) -> Value {
        let ty = self.ty(value).clone();
        let kept: Vec<usize> = (0..ty.shape.len())
            .filter(|axis| !axes.contains(axis))
            .collect();
        let place = |axis: usize| match kept.iter().position(|&k| k == axis) {
            Some(at) => at,
            None => kept.len() + axes.iter().position(|&a| a == axis).unwrap_or(0),
        };
        let subscripts: Vec<Affine> = (0..ty.shape.len())
            .map(|axis| Affine::index(place(axis)))
            .collect();
        let mut body = Body::default();
        body.result = body.push(Inst::Read(0));
        let comprehension = Comprehension {
            shape: kept.iter().map(|&axis| ty.shape[axis]).collect(),
            reduce: axes.iter().map(|&axis| ty.shape[axis]).collect(),
            reducer: (!axes.is_empty()).then_some(reducer),
            order: Order::default(),
            domain: Guard::always(),
            reads: vec![Read::affine(value, ty.dtype, subscripts)],
            body,
            dtype: if reducer == Reducer::ArgMax {
                DType::I32
            } else {
                ty.dtype
            },
        };
        self.comprehension(comprehension, origin)
    }
}

/// A comprehension without a reduction.
pub fn map(shape: &[usize], reads: Vec<Read>, body: Body, dtype: DType) -> Comprehension {
    Comprehension {
        shape: shape.to_vec(),
        reduce: Vec::new(),
        reducer: None,
        order: Order::default(),
        domain: Guard::always(),
        reads,
        body,
        dtype,
    }
}

/// Adds the `i32` arithmetic that computes an affine expression.
pub fn affine_value(body: &mut Body, affine: &Affine) -> u32 {
    let mut sum: Option<u32> = None;
    for (index, coefficient) in affine.terms() {
        let mut term = body.push(Inst::Index(index as u32));
        if coefficient != 1 {
            let factor = body.constant(DType::I32, coefficient as f64);
            term = body.op(Op::Mul, &[term, factor]);
        }
        sum = Some(sum.map_or(term, |sum| body.op(Op::Add, &[sum, term])));
    }
    let mut value = match (sum, affine.offset()) {
        (Some(sum), 0) => sum,
        (Some(sum), offset) => {
            let offset = body.constant(DType::I32, offset as f64);
            body.op(Op::Add, &[sum, offset])
        }
        (None, offset) => body.constant(DType::I32, offset as f64),
    };
    if affine.divisor() != 1 {
        let divisor = body.constant(DType::I32, affine.divisor() as f64);
        value = body.op(Op::FloorDiv, &[value, divisor]);
    }
    value
}

/// Keeps the reads that the body or a kept gather needs, equal ones once.
pub fn compact(reads: Vec<Read>, body: &Body) -> (Vec<Read>, Body) {
    let mut needed = vec![false; reads.len()];
    for inst in &body.insts {
        if let Inst::Read(read) = inst {
            needed[*read as usize] = true;
        }
    }
    let (kept, place) = kept_reads(reads, needed);
    let mut compacted = Body::default();
    let mut position = Vec::with_capacity(body.insts.len());
    for inst in &body.insts {
        let moved = match inst {
            Inst::Read(read) => Inst::Read(place[*read as usize]),
            Inst::Op(op, arguments) => Inst::Op(
                *op,
                arguments.iter().map(|&a| position[a as usize]).collect(),
            ),
            Inst::Index(_) | Inst::Const(_) => inst.clone(),
        };
        position.push(compacted.push(moved));
    }
    compacted.result = position.get(body.result as usize).copied().unwrap_or(0);
    (kept, compacted)
}

/// Keeps the needed reads and those that they gather by, equal ones once; gives the new number of each old one (0 where it is not kept).
pub fn kept_reads(reads: Vec<Read>, mut needed: Vec<bool>) -> (Vec<Read>, Vec<u32>) {
    for at in (0..reads.len()).rev() {
        if needed[at] {
            for subscript in &reads[at].subscripts {
                if let Subscript::Gather(other) = subscript {
                    needed[*other as usize] = true;
                }
            }
        }
    }
    let mut kept: Vec<Read> = Vec::new();
    let mut place = vec![0u32; reads.len()];
    for (at, mut read) in reads.into_iter().enumerate().filter(|(at, _)| needed[*at]) {
        for subscript in &mut read.subscripts {
            if let Subscript::Gather(other) = subscript {
                *other = place[*other as usize];
            }
        }
        place[at] = kept
            .iter()
            .position(|other| *other == read)
            .unwrap_or(kept.len()) as u32;
        if place[at] as usize == kept.len() {
            kept.push(read);
        }
    }
    (kept, place)
}
