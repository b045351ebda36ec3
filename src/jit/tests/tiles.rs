//! Small contractions in tiles of registers, and rows times a vector, against sums term by term.
use super::forms::{access, kernel, numbers};
use super::reference::Buffers;
use super::{check, check_with};
use crate::base::types::DType;
use crate::jit::Options;
use crate::kir::{Kernel, Nest, Store};
use crate::tir::{Affine, Body, Guard, Inst, Op, Order, Reducer};

/// An operand or result: the strides of the nest's indices in it.
type Strides<'a> = &'a [(usize, usize)];

fn index(strides: Strides<'_>) -> Affine {
    Affine::new(0, strides.iter().map(|&(index, by)| (index, by as i64)))
}

/// Elements that so many indices reach.
fn reach(strides: Strides<'_>, extents: &[usize]) -> usize {
    let last = strides.iter().map(|&(index, by)| by * (extents[index] - 1));
    last.sum::<usize>() + 1
}

/// `c = sum a * b` over the indices behind the first `free`, compared bit by bit.
fn contraction(free: usize, extents: &[usize], operands: [Strides<'_>; 3]) {
    let (kernel, buffers) = sum_of_products(free, extents, operands, (Order::Chain, 0));
    check(&kernel, &buffers);
}

fn sum_of_products(
    free: usize,
    extents: &[usize],
    [a, b, c]: [Strides<'_>; 3],
    (order, outer): (Order, usize),
) -> (Kernel, Buffers) {
    let mut buffers = Buffers::new();
    buffers.add(DType::F32, numbers(reach(a, extents), 1));
    buffers.add(DType::F32, numbers(reach(b, extents), 2));
    buffers.add(DType::F32, vec![7.0; reach(c, extents)]);
    let mut body = Body::default();
    let (left, right) = (body.push(Inst::Read(0)), body.push(Inst::Read(1)));
    body.result = body.op(Op::Mul, &[left, right]);
    let nest = Nest {
        free: extents[..free].to_vec(),
        reduce: extents[free..].to_vec(),
        reducer: Some(Reducer::Sum),
        order,
        piece_length: 4096,
        domain: Guard::always(),
        accesses: vec![
            access(0, DType::F32, index(a)),
            access(1, DType::F32, index(b)),
        ],
        body,
        store: Store {
            buffer: 2,
            offset: index(c),
            gathers: Vec::new(),
            accumulate: false,
        },
    };
    (kernel(&buffers, outer, vec![nest]), buffers)
}

#[test]
fn products_of_all_small_sizes_in_every_transposition() {
    for (m, n, k) in [
        (16, 16, 13),
        (13, 16, 16),
        (16, 3, 16),
        (3, 16, 16),
        (1, 5, 7),
        (6, 1, 3),
        (2, 2, 2),
        (7, 9, 1),
        (25, 23, 4),
        (3, 50, 9),
        (50, 3, 2),
        (9, 31, 14),
    ] {
        for (a, b) in [
            ([(0, k), (2, 1)], [(1, 1), (2, n)]),
            ([(0, 1), (2, m)], [(1, 1), (2, n)]),
            ([(0, k), (2, 1)], [(1, k), (2, 1)]),
            ([(0, 1), (2, m)], [(1, k), (2, 1)]),
        ] {
            for c in [[(0, n), (1, 1)], [(0, 1), (1, m)], [(0, 2 * n), (1, 2)]] {
                contraction(2, &[m, n, k], [&a, &b, &c]);
                contraction(2, &[m, n, k], [&b, &a, &c]);
            }
        }
    }
}

#[test]
fn products_with_indices_of_a_batch_and_several_of_the_sum() {
    // c[p, i, j] = sum[k, l] a[p, i, k, l] b[p, l, k, j], and with one b for all p.
    let (p, i, j, k, l) = (3, 5, 6, 4, 3);
    let a = [(0, i * k * l), (1, k * l), (3, l), (4, 1)];
    let c = [(0, i * j), (1, j), (2, 1)];
    let own = [(0, l * k * j), (4, k * j), (3, j), (2, 1)];
    let shared = [(4, k * j), (3, j), (2, 1)];
    for b in [&own[..], &shared[..]] {
        contraction(3, &[p, i, j, k, l], [&a, b, &c]);
        contraction(3, &[p, i, j, k, l], [b, &a, &c]);
    }
    // Rows of their own only, and windows that lie over one another.
    contraction(1, &[10, 12], [&[(0, 12), (1, 1)], &[(1, 1)], &[(0, 1)]]);
    contraction(1, &[10, 12], [&[(0, 1), (1, 1)], &[(1, 1)], &[(0, 1)]]);
    contraction(
        2,
        &[9, 5, 3],
        [&[(0, 1), (2, 1)], &[(1, 3), (2, 1)], &[(0, 5), (1, 1)]],
    );
}

#[test]
fn rows_of_any_number_and_length_times_a_vector() {
    for rows in [2, 3, 4, 5, 9, 40] {
        for terms in [16, 17, 23, 24, 31, 100] {
            let (dense, apart) = ([(0, terms), (1, 1)], [(0, terms + 3), (1, 1)]);
            for matrix in [dense, apart] {
                for operands in [[&matrix[..], &[(1, 1)]], [&[(1, 1)], &matrix[..]]] {
                    for outer in [0, 1] {
                        let [a, b] = operands;
                        let operands = [a, b, &[(0, 1)][..]];
                        let form = (Order::Lanes, outer);
                        let (kernel, buffers) = sum_of_products(1, &[rows, terms], operands, form);
                        check(&kernel, &buffers);
                    }
                }
            }
        }
    }
    let operands = [&[(0, 40), (1, 1)][..], &[(1, 1)], &[(0, 1)]];
    let (kernel, buffers) = sum_of_products(1, &[9, 40], operands, (Order::Lanes, 1));
    let baseline = Options {
        baseline: true,
        ..Options::default()
    };
    check_with(&kernel, &buffers, baseline);
}
