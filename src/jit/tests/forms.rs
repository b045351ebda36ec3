//! Each form of nest.
use super::reference::Buffers;
use super::{check, check_with, dtypes};
use crate::base::types::{DType, strides};
use crate::jit::{Options, compile};
use crate::kir::{Access, GatherTerm, Kernel, Nest, Store};
use crate::tir::{Affine, Body, Condition, Guard, Inst, Literal, Op, Order, Reducer};

/// Numbers without pattern, some of them special.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            match state % 97 {
                0 => 0.0,
                1 => -0.0,
                _ => (state >> 40) as f64 / 1_048_576.0 - 8.0,
            }
        })
        .collect()
}

pub fn access(buffer: u32, dtype: DType, offset: Affine) -> Access {
    Access {
        buffer,
        offset,
        gathers: Vec::new(),
        guard: Guard::always(),
        fill: Literal { dtype, value: 0.0 },
    }
}

pub fn dense(shape: &[usize]) -> Affine {
    let strides = strides(shape);
    Affine::new(0, strides.iter().map(|&s| s as i64).enumerate())
}

pub fn map(free: &[usize], accesses: Vec<Access>, body: Body, target: u32) -> Nest {
    Nest {
        free: free.to_vec(),
        reduce: Vec::new(),
        reducer: None,
        order: Order::Chain,
        piece_length: 4096,
        domain: Guard::always(),
        accesses,
        body,
        store: Store {
            buffer: target,
            offset: dense(free),
            gathers: Vec::new(),
            accumulate: false,
        },
    }
}

pub fn kernel(buffers: &Buffers, outer: usize, nests: Vec<Nest>) -> Kernel {
    Kernel {
        name: "test".into(),
        buffers: buffers.dtypes.clone(),
        outer,
        nests,
    }
}

/// `op(reads...)`
fn apply(op: Op, reads: u32) -> Body {
    let mut body = Body::default();
    let arguments: Vec<u32> = (0..reads).map(|read| body.push(Inst::Read(read))).collect();
    body.result = body.op(op, &arguments);
    body
}

fn just_read() -> Body {
    let mut body = Body::default();
    body.result = body.push(Inst::Read(0));
    body
}

#[test]
fn a_contiguous_sum_of_two_arrays() {
    for dtype in dtypes() {
        for n in [1, 3, 4, 16, 23, 1000] {
            let mut buffers = Buffers::new();
            buffers.add(dtype, numbers(n, 1));
            buffers.add(dtype, numbers(n, 2));
            buffers.add(dtype, vec![9.0; n]);
            let reads = (0..2).map(|b| access(b, dtype, Affine::index(0))).collect();
            let nest = map(&[n], reads, apply(Op::Add, 2), 2);
            check(&kernel(&buffers, 1, vec![nest]), &buffers);
        }
    }
}

#[test]
fn every_operator_on_every_type_in_vectors_and_alone() {
    let special = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e-40,
        1e30,
        -1e30,
        0.5,
        2147483647.0,
        -2147483648.0,
        3.0,
        200000.0,
        1e-9,
        0.25,
        2.0,
        -7.0,
        100.0,
        0.999,
        -88.0,
        -100.0,
    ];
    let n = 64 + special.len() * special.len();
    for op in Op::ALL {
        for dtype in [DType::F32, DType::F64, DType::I32, DType::Bool, DType::U8] {
            let register = if dtype == DType::U8 {
                DType::I32
            } else {
                dtype
            };
            for count in 1..=6usize {
                let mut types = vec![register; count];
                if op == Op::Select && count == 3 {
                    types[0] = DType::Bool;
                }
                let Some(result) = op.result_type(&types) else {
                    continue;
                };
                let mut buffers = Buffers::new();
                let mut accesses = Vec::new();
                for (at, &wanted) in types.iter().enumerate().take(count) {
                    let mut values = numbers(64, at as u64 + 3);
                    for (one, a) in special.iter().enumerate() {
                        let others = special.iter().enumerate();
                        values.extend(others.map(|(two, b)| match at {
                            0 => *a,
                            1 => *b,
                            _ => ((one * 7 + two * at) % 31) as f64 - 9.0,
                        }));
                    }
                    let ty = if wanted == register { dtype } else { wanted };
                    buffers.add(ty, values);
                    accesses.push(access(at as u32, ty, Affine::index(0)));
                }
                let target = buffers.add(result, vec![0.0; n]);
                let nest = map(&[n], accesses, apply(op, count as u32), target);
                let kernel = kernel(&buffers, 1, vec![nest]);
                check(&kernel, &buffers);
                let in_place = Options {
                    in_place: true,
                    ..Options::default()
                };
                check_with(&kernel, &buffers, in_place);
            }
        }
    }
}

#[test]
fn broadcasts_transposes_and_strides() {
    let shape = [5, 12, 7];
    let mut buffers = Buffers::new();
    buffers.add(DType::F32, numbers(420, 1));
    buffers.add(DType::F32, numbers(12, 2));
    buffers.add(DType::F32, numbers(420, 3));
    let target = buffers.add(DType::F32, vec![0.0; 420]);
    let accesses = vec![
        access(0, DType::F32, dense(&shape)),
        access(1, DType::F32, Affine::index(1)),
        // Transposed and backwards.
        access(
            2,
            DType::F32,
            Affine::new(419, [(0, -1), (1, -5), (2, -60)]),
        ),
    ];
    let mut body = Body::default();
    let [a, b, c] = [0, 1, 2].map(|read| body.push(Inst::Read(read)));
    let product = body.op(Op::Mul, &[a, b]);
    body.result = body.op(Op::Add, &[product, c]);
    for outer in 0..=3 {
        let nest = map(&shape, accesses.clone(), body.clone(), target);
        check(&kernel(&buffers, outer, vec![nest]), &buffers);
    }
}

#[test]
fn indices_and_mixed_types_in_a_body() {
    let mut buffers = Buffers::new();
    buffers.add(DType::U8, (0..70).map(|x| f64::from(x * 3 % 256)));
    buffers.add(DType::Bool, (0..70).map(|x| f64::from(x % 3 == 0)));
    let target = buffers.add(DType::F32, vec![0.0; 70]);
    let truths = buffers.add(DType::Bool, vec![0.0; 70]);
    let accesses = vec![
        access(0, DType::U8, Affine::index(0)),
        access(1, DType::Bool, Affine::index(0)),
    ];
    let mut body = Body::default();
    let (pixel, mask) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
    let index = body.push(Inst::Index(0));
    let sum = body.op(Op::Add, &[pixel, index]);
    let (number, other) = (body.op(Op::ToF32, &[sum]), body.op(Op::ToF32, &[mask]));
    let chosen = body.op(Op::Select, &[mask, number, other]);
    body.result = chosen;
    let nest = map(&[70], accesses.clone(), body.clone(), target);
    let limit = body.constant(DType::F32, 40.0);
    let below = body.op(Op::Lt, &[chosen, limit]);
    body.result = body.op(Op::Or, &[below, mask]);
    let second = map(&[70], accesses, body, truths);
    check(&kernel(&buffers, 1, vec![nest, second]), &buffers);
}

/// `out[i, j] = reduce[k] a[i, k] * b[k, j]` and the like.
fn product_nest(
    m: usize,
    n: usize,
    k: usize,
    dtype: DType,
    reducer: Reducer,
    order: Order,
) -> Nest {
    let accesses = vec![
        access(0, dtype, Affine::new(0, [(0, k as i64), (2, 1)])),
        access(1, dtype, Affine::new(0, [(2, n as i64), (1, 1)])),
    ];
    let mut nest = map(&[m, n], accesses, apply(Op::Mul, 2), 2);
    nest.reduce = vec![k];
    nest.reducer = Some(reducer);
    nest.order = order;
    nest
}

const REDUCERS: [Reducer; 5] = [
    Reducer::Sum,
    Reducer::Prod,
    Reducer::Max,
    Reducer::Min,
    Reducer::ArgMax,
];

#[test]
fn reductions_in_each_order_and_type() {
    for dtype in dtypes() {
        for reducer in REDUCERS {
            for order in [Order::Chain, Order::Lanes] {
                for (m, n, k) in [
                    (3, 21, 37),
                    (2, 3, 5),
                    (1, 1, 100),
                    (4, 9, 16),
                    (2, 5, 1),
                    (2, 4, 0),
                ] {
                    let mut buffers = Buffers::new();
                    buffers.add(dtype, numbers(m * k, 5));
                    buffers.add(dtype, numbers(n * k, 6));
                    let result = if reducer == Reducer::ArgMax {
                        DType::I32
                    } else {
                        dtype
                    };
                    buffers.add(result, vec![7.0; m * n]);
                    let mut nest = product_nest(m, n, k, dtype, reducer, order);
                    for piece in [4096, 7, 1] {
                        nest.piece_length = piece;
                        for outer in [0, 1, 2] {
                            check(&kernel(&buffers, outer, vec![nest.clone()]), &buffers);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn row_reductions_keep_the_rules_of_nan_and_of_equal_zeros() {
    for reducer in REDUCERS {
        for order in [Order::Chain, Order::Lanes] {
            let (rows, columns) = (7, 45);
            let mut values = numbers(rows * columns, 11);
            values[3] = f64::NAN;
            values[20] = f64::NAN;
            values[columns..2 * columns].fill(0.0);
            values[columns + 9] = -0.0;
            values[2 * columns..3 * columns].fill(-0.0);
            values[2 * columns + 30] = 0.0;
            values[3 * columns..4 * columns].fill(f64::NEG_INFINITY);
            values[4 * columns..5 * columns].fill(f64::INFINITY);
            let mut buffers = Buffers::new();
            buffers.add(DType::F32, values);
            let result = if reducer == Reducer::ArgMax {
                DType::I32
            } else {
                DType::F32
            };
            buffers.add(result, vec![7.0; rows]);
            let reads = vec![access(
                0,
                DType::F32,
                Affine::new(0, [(0, columns as i64), (1, 1)]),
            )];
            let mut nest = map(&[rows], reads, just_read(), 1);
            nest.reduce = vec![columns];
            nest.reducer = Some(reducer);
            nest.order = order;
            check(&kernel(&buffers, 1, vec![nest]), &buffers);
        }
    }
}

#[test]
fn long_columns_in_strips_of_several_sizes() {
    for dtype in dtypes() {
        for (rows, columns) in [
            (32, 64),
            (100, 71),
            (37, 530),
            (70, 1100),
            (90, 515),
            (33, 513),
        ] {
            let mut values = numbers(rows * columns, 5);
            if dtype.is_float() {
                values[columns + 2] = f64::NAN;
                values[3..columns].fill(-0.0);
            }
            for reducer in [Reducer::Sum, Reducer::Max] {
                let mut buffers = Buffers::new();
                buffers.add(dtype, values.clone());
                buffers.add(dtype, numbers(rows, 6));
                buffers.add(dtype, vec![7.0; 3 * columns]);
                let element = access(0, dtype, Affine::new(0, [(2, columns as i64), (1, 1)]));
                let factor = access(1, dtype, Affine::index(2));
                for (accesses, body) in [
                    (vec![element.clone()], just_read()),
                    (vec![element.clone(), factor], apply(Op::Mul, 2)),
                ] {
                    let mut nest = map(&[3, columns], accesses, body, 2);
                    nest.reduce = vec![rows];
                    nest.reducer = Some(reducer);
                    for (piece, outer) in [(4096, 0), (4096, 1), (40, 2), (7, 2)] {
                        nest.piece_length = piece;
                        check(&kernel(&buffers, outer, vec![nest.clone()]), &buffers);
                    }
                }
            }
        }
    }
}

#[test]
fn several_reduction_indices_and_pieces_across_them() {
    for order in [Order::Chain, Order::Lanes] {
        for piece in [1000, 10, 6, 1] {
            let mut buffers = Buffers::new();
            buffers.add(DType::F32, numbers(8 * 9 * 10 * 20, 5));
            buffers.add(DType::F32, vec![0.0; 20]);
            // Not one run: the middle index is walked backwards.
            let offset = Affine::new(160, [(0, 1), (1, 1800), (2, -20), (3, 180)]);
            let mut nest = map(&[20], vec![access(0, DType::F32, offset)], just_read(), 1);
            nest.reduce = vec![8, 9, 10];
            nest.reducer = Some(Reducer::Sum);
            nest.order = order;
            nest.piece_length = piece;
            check(&kernel(&buffers, 1, vec![nest]), &buffers);
        }
    }
}

#[test]
fn a_padded_window_maximum_and_convolution() {
    // out[n, y, x] = max/sum[ky, kx] in[n, y*s + ky - 1, x*s + kx - 1] (* w[ky, kx]), padded.
    for (reducer, fill) in [(Reducer::Max, f64::NEG_INFINITY), (Reducer::Sum, 0.0)] {
        for stride in [1i64, 2] {
            let (images, height, width) = (2usize, 9usize, 22usize);
            let (oh, ow) = (
                (height - 1) / stride as usize + 1,
                (width - 1) / stride as usize + 1,
            );
            let mut buffers = Buffers::new();
            buffers.add(DType::F32, numbers(images * height * width, 5));
            buffers.add(DType::F32, numbers(9, 6));
            buffers.add(DType::F32, vec![0.0; images * oh * ow]);
            let row = Affine::new(-1, [(1, stride), (3, 1)]);
            let column = Affine::new(-1, [(2, stride), (4, 1)]);
            let offset = Affine::new(0, [(0, (height * width) as i64)])
                .plus(&row.times(width as i64))
                .plus(&column);
            let mut image = access(0, DType::F32, offset);
            image.guard = Guard::within(&row, height).and(&Guard::within(&column, width));
            image.fill.value = fill;
            let weight = access(1, DType::F32, Affine::new(0, [(3, 3), (4, 1)]));
            let (accesses, body) = match reducer {
                Reducer::Sum => (vec![image, weight], apply(Op::Mul, 2)),
                _ => (vec![image], just_read()),
            };
            let mut nest = map(&[images, oh, ow], accesses, body, 2);
            nest.reduce = vec![3, 3];
            nest.reducer = Some(reducer);
            for outer in 0..=3 {
                check(&kernel(&buffers, outer, vec![nest.clone()]), &buffers);
            }
        }
    }
}

#[test]
fn a_strided_convolution_turned_round_reads_by_exact_division() {
    // dx[q] = sum[k] dy[(q + 1 - k) / 2] * w[k], where that divides and lies inside.
    let (inner, outer_size) = (17, 33);
    for as_domain in [false, true] {
        let mut buffers = Buffers::new();
        buffers.add(DType::F32, numbers(inner, 5));
        buffers.add(DType::F32, numbers(3, 6));
        buffers.add(DType::F32, vec![0.0; outer_size]);
        let half = Affine::new(1, [(0, 1), (1, -1)]).over(2);
        let mut guard = Guard::within(&half, inner);
        guard.push(Condition::Divisible(half.numerator(), 2));
        let mut dy = access(0, DType::F32, half);
        let mut domain = Guard::always();
        if as_domain {
            domain = guard;
        } else {
            dy.guard = guard;
        }
        let w = access(1, DType::F32, Affine::index(1));
        let mut nest = map(&[outer_size], vec![dy, w], apply(Op::Mul, 2), 2);
        nest.domain = domain;
        nest.reduce = vec![3];
        nest.reducer = Some(Reducer::Sum);
        check(&kernel(&buffers, 1, vec![nest]), &buffers);
    }
}

#[test]
fn concatenation_by_guards_is_cut_into_pieces() {
    let mut buffers = Buffers::new();
    buffers.add(DType::F32, numbers(3 * 20, 1));
    buffers.add(DType::F32, numbers(3 * 17, 2));
    buffers.add(DType::F32, vec![0.0; 3 * 40]);
    let mut first = access(0, DType::F32, Affine::new(0, [(0, 20), (1, 1)]));
    first.guard = Guard::within(&Affine::index(1), 20);
    let shifted = Affine::new(-20, [(1, 1)]);
    let mut second = access(1, DType::F32, Affine::new(-20, [(0, 17), (1, 1)]));
    second.guard = Guard::within(&shifted, 17);
    second.fill.value = 5.0;
    let mut nest = map(&[3, 40], vec![first, second], apply(Op::Add, 2), 2);
    check(&kernel(&buffers, 1, vec![nest.clone()]), &buffers);
    nest.domain = Guard::within(&Affine::new(-3, [(1, 1)]), 30);
    check(&kernel(&buffers, 1, vec![nest]), &buffers);
}

#[test]
fn triangular_domains_and_diagonals() {
    // out[i] = sum[j <= i] x[i, j]; and a mask of the diagonal.
    for order in [Order::Chain, Order::Lanes] {
        let mut buffers = Buffers::new();
        buffers.add(DType::F32, numbers(30 * 30, 1));
        buffers.add(DType::F32, vec![0.0; 30]);
        let x = access(0, DType::F32, dense(&[30, 30]));
        let mut nest = map(&[30], vec![x.clone()], just_read(), 1);
        nest.reduce = vec![30];
        nest.reducer = Some(Reducer::Sum);
        nest.order = order;
        nest.domain
            .push(Condition::NonNegative(Affine::new(0, [(0, 1), (1, -1)])));
        check(&kernel(&buffers, 1, vec![nest.clone()]), &buffers);
        nest.domain = Guard::always();
        nest.domain
            .push(Condition::Zero(Affine::new(-7, [(0, 1), (1, -1)])));
        check(&kernel(&buffers, 1, vec![nest]), &buffers);
        buffers.words[1] = vec![0; 901];
        let mut wide = Buffers::new();
        wide.add(DType::F32, numbers(900, 1));
        wide.add(DType::F32, vec![0.0; 900]);
        let mut masked = map(&[30, 30], vec![x], just_read(), 1);
        masked
            .domain
            .push(Condition::NonNegative(Affine::new(0, [(0, 1), (1, -1)])));
        check(&kernel(&wide, 1, vec![masked.clone()]), &wide);
        check(&kernel(&wide, 2, vec![masked]), &wide);
    }
}

fn gather_term(access: u32, stride: usize, bound: usize, check: u32) -> GatherTerm {
    GatherTerm {
        access,
        stride,
        bound,
        check,
    }
}

/// As a number without a sign it would lie within the bound.
#[test]
fn a_negative_position_is_out_of_any_bound() {
    let mut buffers = Buffers::new();
    buffers.add(DType::I32, vec![-3.0, 2.0]);
    buffers.add(DType::F32, numbers(4, 3));
    buffers.add(DType::F32, vec![0.0; 2]);
    let position = access(0, DType::I32, Affine::index(0));
    let mut element = access(1, DType::F32, Affine::constant(1));
    element.gathers = vec![gather_term(0, 0, u32::MAX as usize, 4)];
    let mut body = Body::default();
    body.result = body.push(Inst::Read(1));
    let nest = map(&[2], vec![position, element], body, 2);
    check(&kernel(&buffers, 1, vec![nest]), &buffers);
}

#[test]
fn gathers_read_rows_and_single_elements_and_report_the_least_bad_position() {
    for bad in [false, true] {
        for positions_of in [DType::I32, DType::U8] {
            let mut positions: Vec<f64> = (0..24).map(|x| f64::from(x * 5 % 11)).collect();
            if bad {
                positions[7] = 12.0;
                positions[15] = if positions_of == DType::U8 {
                    200.0
                } else {
                    -3.0
                };
            }
            let mut buffers = Buffers::new();
            buffers.add(positions_of, positions);
            buffers.add(DType::F32, numbers(11 * 6, 3));
            buffers.add(DType::F32, vec![0.0; 24 * 6]);
            buffers.add(DType::F32, vec![0.0; 24]);
            let position = access(0, positions_of, Affine::index(0));
            let mut row = access(1, DType::F32, Affine::index(1));
            row.gathers = vec![gather_term(0, 6, 11, 4)];
            let mut body = Body::default();
            body.result = body.push(Inst::Read(1));
            let rows = map(
                &[24, 6],
                vec![position.clone(), row.clone()],
                body.clone(),
                2,
            );
            let mut single = row;
            single.offset = Affine::constant(2);
            single.gathers[0].check = 9;
            single
                .guard
                .push(Condition::NonNegative(Affine::new(20, [(0, -1)])));
            let singles = map(&[24], vec![position, single], body, 3);
            check(&kernel(&buffers, 1, vec![rows, singles]), &buffers);
        }
    }
}

#[test]
fn scatters_add_in_order() {
    for dtype in dtypes() {
        for bad in [false, true] {
            let mut positions: Vec<f64> = (0..24).map(|x| f64::from(x * 5 % 7)).collect();
            if bad {
                positions[9] = 7.0;
            }
            let mut buffers = Buffers::new();
            buffers.add(DType::I32, positions);
            buffers.add(dtype, numbers(24 * 6, 3));
            buffers.add(dtype, numbers(7 * 6, 4));
            let accesses = vec![
                access(0, DType::I32, Affine::index(0)),
                access(1, dtype, dense(&[24, 6])),
            ];
            let mut body = Body::default();
            body.result = body.push(Inst::Read(1));
            let mut nest = map(&[24, 6], accesses, body, 2);
            nest.store.offset = Affine::index(1);
            nest.store.gathers = vec![gather_term(0, 6, 7, 3)];
            nest.store.accumulate = true;
            check(&kernel(&buffers, 0, vec![nest.clone()]), &buffers);
            nest.domain
                .push(Condition::NonNegative(Affine::new(20, [(0, -1), (1, -1)])));
            check(&kernel(&buffers, 0, vec![nest]), &buffers);
        }
    }
}

#[test]
fn without_fused_multiply_add_products_are_rounded() {
    let mut buffers = Buffers::new();
    buffers.add(DType::F32, numbers(3 * 37, 5));
    buffers.add(DType::F32, numbers(21 * 37, 6));
    buffers.add(DType::F32, vec![7.0; 63]);
    let baseline = Options {
        baseline: true,
        ..Options::default()
    };
    for order in [Order::Chain, Order::Lanes] {
        let nest = product_nest(3, 21, 37, DType::F32, Reducer::Sum, order);
        check_with(&kernel(&buffers, 1, vec![nest]), &buffers, baseline);
    }
    let floor = map(
        &[111],
        vec![access(0, DType::F32, Affine::index(0))],
        apply(Op::Floor, 1),
        1,
    );
    check_with(&kernel(&buffers, 1, vec![floor]), &buffers, baseline);
}

#[test]
fn without_avx_no_instruction_reads_a_vector_at_an_odd_place() {
    let baseline = Options {
        baseline: true,
        ..Options::default()
    };
    let n = 41;
    // Functions that are polynomials round in other places without fused multiply-add than the reference does.
    let polynomials = [
        Op::Exp,
        Op::Log,
        Op::Sin,
        Op::Cos,
        Op::Tanh,
        Op::Sigmoid,
        Op::Erf,
        Op::Pow,
        Op::NormalQuantile,
    ];
    for op in Op::ALL {
        if polynomials.contains(&op) {
            continue;
        }
        for count in 1..=3 {
            let mut types = vec![DType::F32; count];
            if op == Op::Select && count == 3 {
                types[0] = DType::Bool;
            }
            let Some(result) = op.result_type(&types) else {
                continue;
            };
            for offset in 0..4 {
                let mut buffers = Buffers::new();
                for (at, &dtype) in types.iter().enumerate() {
                    buffers.add(dtype, numbers(n + 4, at as u64 + 1));
                }
                buffers.add(result, vec![0.0; n]);
                let place = Affine::index(0).plus_constant(offset);
                let reads = types.iter().enumerate();
                let reads = reads.map(|(b, &dtype)| access(b as u32, dtype, place.clone()));
                let body = apply(op, count as u32);
                let nest = map(&[n], reads.collect(), body, count as u32);
                check_with(&kernel(&buffers, 1, vec![nest]), &buffers, baseline);
            }
        }
    }
}

#[test]
fn equal_kernels_share_a_function_and_names_and_texts_are_kept() {
    let mut buffers = Buffers::new();
    buffers.add(DType::F32, numbers(8, 5));
    buffers.add(DType::F32, numbers(8, 6));
    let read = vec![access(0, DType::F32, Affine::index(0))];
    let exp = kernel(
        &buffers,
        1,
        vec![map(&[8], read.clone(), apply(Op::Exp, 1), 1)],
    );
    let mut same = exp.clone();
    same.name = "other".into();
    let tanh = kernel(&buffers, 1, vec![map(&[8], read, apply(Op::Tanh, 1), 1)]);
    let options = Options {
        keep_text: true,
        ..Options::default()
    };
    let compiled = compile(&[exp, tanh, same], options).expect("compiled");
    assert_eq!(compiled.functions, 2);
    let [exp, tanh, same] = [0, 1, 2].map(|at| &compiled.kernels[at]);
    assert_eq!(exp.function() as usize, same.function() as usize);
    assert_ne!(exp.function() as usize, tanh.function() as usize);
    assert_eq!((exp.name.as_str(), same.name.as_str()), ("test", "other"));
    let text = exp.text.as_ref().expect("text");
    assert!(text.clif.contains("function") && !text.assembly.is_empty());
}
