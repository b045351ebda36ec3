//! Random kernels against the reference: shapes, strides, guards, gathers, reductions in every order, types.
use super::check;
use super::forms::{access, kernel, numbers};
use super::reference::Buffers;
use crate::base::types::DType;
use crate::kir::{Access, GatherTerm, Nest, Store};
use crate::tir::{Affine, Body, Condition, Guard, Inst, Literal, Op, Order, Reducer};

/// A small deterministic generator (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn chance(&mut self, in_a_hundred: usize) -> bool {
        self.below(100) < in_a_hundred
    }
}

/// An affine expression of some indices with small coefficients.
fn expression(random: &mut Random, extents: &[usize]) -> Affine {
    let mut terms = Vec::new();
    for index in 0..extents.len() {
        if random.chance(55) {
            terms.push((index, random.pick(&[1, 1, 1, -1, 2, -2, 3])));
        }
    }
    let free = Affine::new(0, terms);
    let (low, high) = free.range(extents);
    let shift = low + random.below((high - low + 1) as usize) as i64;
    free.plus_constant(-shift)
}

fn guard(random: &mut Random, extents: &[usize], count: usize) -> Guard {
    let mut guard = Guard::always();
    for _ in 0..random.below(count + 1) {
        let e = expression(random, extents);
        guard.push(match random.below(8) {
            0 => Condition::Zero(e),
            1 => Condition::Divisible(e, random.pick(&[2, 3])),
            _ => Condition::NonNegative(e),
        });
    }
    guard
}

/// An offset with any strides, from 0 on; and the length that it needs.
fn offset(random: &mut Random, extents: &[usize]) -> (Affine, usize) {
    let mut terms = Vec::new();
    let mut dense = 1i64;
    let style = random.below(4);
    for index in (0..extents.len()).rev() {
        let coefficient = match style {
            0 | 1 => dense,
            2 => random.pick(&[dense, 0, -dense]),
            _ => random.pick(&[0, 1, 2, -1, 5]),
        };
        terms.push((index, coefficient));
        if !(style == 1 && random.chance(30)) {
            dense *= extents[index] as i64;
        }
    }
    let free = Affine::new(0, terms);
    let (low, high) = free.range(extents);
    (free.plus_constant(-low), (high - low + 1) as usize)
}

fn read(random: &mut Random, buffers: &mut Buffers, extents: &[usize], dtype: DType) -> Access {
    let (offset, length) = offset(random, extents);
    let seed = random.below(1 << 20) as u64;
    let buffer = buffers.add(dtype, numbers(length, seed));
    let mut access = access(buffer, dtype, offset);
    if random.chance(35) {
        access.guard = guard(random, extents, 2);
    }
    access.fill = Literal {
        dtype,
        value: random
            .pick(&[0.0f64, 3.0, -1.0])
            .max(if dtype == DType::U8 { 0.0 } else { -1.0 }),
    };
    access
}

/// Adds an access by a gathered position.
fn gather(
    random: &mut Random,
    buffers: &mut Buffers,
    accesses: &mut Vec<Access>,
    extents: &[usize],
    dtype: DType,
) {
    let bound = 1 + random.below(6);
    let mut position = read(random, buffers, extents, DType::I32);
    position.fill.value = 0.0;
    let length = buffers.lengths()[position.buffer as usize];
    let beyond = usize::from(random.chance(25));
    for at in 0..length {
        let value = random.below(bound + beyond) as i32;
        buffers.set(
            position.buffer as usize,
            at,
            super::reference::Number::I(value),
        );
    }
    let mut row = read(random, buffers, extents, dtype);
    let stride = buffers.lengths()[row.buffer as usize];
    row.buffer = buffers.add(dtype, numbers(stride * bound, 77));
    row.gathers.push(GatherTerm {
        access: accesses.len() as u32,
        stride,
        bound,
        check: 1 + random.below(5) as u32,
    });
    accesses.extend([position, row]);
}

const UNARY: [Op; 9] = [
    Op::Neg,
    Op::Abs,
    Op::Sign,
    Op::Exp,
    Op::Tanh,
    Op::Sigmoid,
    Op::Floor,
    Op::Sqrt,
    Op::Sin,
];
const BINARY: [Op; 7] = [
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::Max,
    Op::Min,
    Op::Mod,
    Op::Div,
];

/// A body of the wanted type over all accesses.
fn body(random: &mut Random, types: &[DType], indices: usize, wanted: DType) -> Body {
    let mut body = Body::default();
    let to_wanted = match wanted {
        DType::F32 => Op::ToF32,
        DType::F64 => Op::ToF64,
        _ => Op::ToI32,
    };
    let mut values: Vec<u32> = (0..types.len() as u32)
        .map(|read| {
            let value = body.push(Inst::Read(read));
            let register = if types[read as usize] == DType::U8 {
                DType::I32
            } else {
                types[read as usize]
            };
            if register == wanted {
                value
            } else {
                body.op(to_wanted, &[value])
            }
        })
        .collect();
    if random.chance(25) && indices > 0 {
        let index = body.push(Inst::Index(random.below(indices) as u32));
        values.push(if wanted == DType::I32 {
            index
        } else {
            body.op(to_wanted, &[index])
        });
    }
    for _ in 0..random.below(4) {
        let value = random.pick(&values);
        let op = random.pick(&UNARY);
        let next = match op.result_type(&[wanted]) {
            Some(_) => body.op(op, &[value]),
            None => {
                let two = body.constant(wanted, 2.0);
                body.op(
                    random.pick(&[Op::Max, Op::Min, Op::FloorDiv]),
                    &[value, two],
                )
            }
        };
        values.push(next);
        if random.chance(30) {
            let (a, b) = (random.pick(&values), random.pick(&values));
            let mask = body.op(random.pick(&[Op::Lt, Op::Le, Op::Eq, Op::Ne]), &[a, b]);
            let mask = if random.chance(20) {
                body.op(Op::Not, &[mask])
            } else {
                mask
            };
            values.push(body.op(Op::Select, &[mask, b, next]));
        }
    }
    let mut result = values[0];
    for &value in &values[1..] {
        let op = random.pick(&BINARY);
        let fits = op.result_type(&[wanted, wanted]).is_some();
        result = body.op(if fits { op } else { Op::Add }, &[result, value]);
    }
    body.result = result;
    body
}

fn one_nest(random: &mut Random, buffers: &mut Buffers, free: &[usize]) -> Nest {
    let reduce: Vec<usize> = match random.below(3) {
        0 => Vec::new(),
        1 => vec![random.pick(&[1, 2, 5, 16, 19, 40])],
        _ => vec![1 + random.below(4), random.pick(&[1, 3, 6, 17])],
    };
    let extents: Vec<usize> = free.iter().chain(&reduce).copied().collect();
    let wanted = random.pick(&[DType::F32, DType::F32, DType::F32, DType::F64, DType::I32]);
    let mut accesses = Vec::new();
    for _ in 0..1 + random.below(3) {
        let other = random.pick(&[DType::F32, DType::I32, DType::Bool, DType::U8]);
        let dtype = if random.chance(80) { wanted } else { other };
        if random.chance(20) {
            gather(random, buffers, &mut accesses, &extents, dtype);
        } else {
            accesses.push(read(random, buffers, &extents, dtype));
        }
    }
    let types: Vec<DType> = accesses
        .iter()
        .map(|a| buffers.dtypes[a.buffer as usize])
        .collect();
    let reducers = [
        Reducer::Sum,
        Reducer::Sum,
        Reducer::Prod,
        Reducer::Max,
        Reducer::Min,
        Reducer::ArgMax,
    ];
    let reducer = (!reduce.is_empty()).then(|| random.pick(&reducers));
    let mut body = body(random, &types, extents.len(), wanted);
    if types.len() == 2 && types == [wanted, wanted] && random.chance(50) {
        body = Body::default();
        let (a, b) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
        body.result = body.op(Op::Mul, &[a, b]);
    }
    let domain = if random.chance(30) {
        guard(random, &extents, 2)
    } else {
        Guard::always()
    };
    let domain = match reducer {
        Some(_) => domain,
        None => domain.simplified(&extents).unwrap_or_default(),
    };
    let result = if reducer == Some(Reducer::ArgMax) {
        DType::I32
    } else {
        wanted
    };
    let store = store(random, buffers, free, result);
    Nest {
        free: free.to_vec(),
        reduce,
        reducer,
        order: random.pick(&[Order::Chain, Order::Lanes]),
        piece_length: random.pick(&[4096, 4096, 10, 16, 3]),
        domain,
        accesses,
        body,
        store,
    }
}

/// A store with strides in any order of the indices, so that distinct points have distinct places.
fn store(random: &mut Random, buffers: &mut Buffers, free: &[usize], dtype: DType) -> Store {
    let mut order: Vec<usize> = (0..free.len()).collect();
    if random.chance(40) {
        for at in 0..order.len() {
            let other = random.below(order.len());
            order.swap(at, other);
        }
    }
    let (mut terms, mut stride) = (Vec::new(), 1 + random.below(5) / 4);
    for &index in order.iter().rev() {
        terms.push((index, stride as i64));
        stride *= free[index];
    }
    Store {
        buffer: buffers.add(dtype, vec![7.0; stride]),
        offset: Affine::new(0, terms),
        gathers: Vec::new(),
        accumulate: false,
    }
}

/// Turns a nest without a reduction into a scatter whose targets collide.
fn as_scatter(random: &mut Random, buffers: &mut Buffers, nest: &mut Nest) {
    let (target, length) = offset(random, &nest.free);
    let dtype = buffers.dtypes[nest.store.buffer as usize];
    nest.store = Store {
        buffer: buffers.add(dtype, numbers(length, 5)),
        offset: target,
        gathers: Vec::new(),
        accumulate: true,
    };
}

fn random_kernel(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let dimensions = random.below(4);
    let free: Vec<usize> = (0..dimensions)
        .map(|_| random.pick(&[1, 2, 3, 4, 5, 7, 12, 18, 35]))
        .scan(1, |size, extent| {
            // Not too many points for the reference.
            let extent = if *size * extent > 700 { 2 } else { extent };
            *size *= extent;
            Some(extent)
        })
        .collect();
    let mut outer = random.below(dimensions + 1);
    let mut buffers = Buffers::new();
    let mut nests = vec![one_nest(&mut random, &mut buffers, &free)];
    if nests[0].reducer.is_none() && random.chance(30) {
        as_scatter(&mut random, &mut buffers, &mut nests[0]);
        // A scatter is one run.
        outer = 0;
    }
    if random.chance(25) {
        nests.push(one_nest(&mut random, &mut buffers, &free));
    }
    check(&kernel(&buffers, outer, nests), &buffers);
}

#[test]
fn random_kernels_give_the_bits_of_the_reference() {
    let from: u64 = std::env::var("DLMC_TEST_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    let count: u64 = std::env::var("DLMC_TEST_COUNT")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(400);
    for seed in from..from + count {
        let failed = std::panic::catch_unwind(|| random_kernel(seed)).is_err();
        assert!(!failed, "seed {seed}");
    }
}
