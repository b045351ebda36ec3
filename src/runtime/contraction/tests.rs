//! Every plan against the scalar chain of the definition, bit by bit.
use super::*;
use crate::base::types::DType;
use std::ops::RangeInclusive;

/// A small generator (xorshift64*), so that a failing case is named by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }

    fn float(&mut self) -> f64 {
        self.next() as f64 / (1_u64 << 47) as f64 - 1.0
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

/// An element type of the tests.
trait Element: Copy + PartialEq + std::fmt::Debug {
    fn from(value: f64) -> Self;
    fn to(self) -> f64;
    fn bits(self) -> u64;
    fn fused(self, factor: Self, addend: Self) -> Self;
    fn plus(self, other: Self) -> Self;
}

macro_rules! element {
    ($type:ty) => {
        impl Element for $type {
            fn from(value: f64) -> $type {
                value as $type
            }
            fn to(self) -> f64 {
                self as f64
            }
            fn bits(self) -> u64 {
                self.to_bits() as u64
            }
            fn fused(self, factor: $type, addend: $type) -> $type {
                self.mul_add(factor, addend)
            }
            fn plus(self, other: $type) -> $type {
                self + other
            }
        }
    };
}
element!(f32);
element!(f64);

/// The offset of composite index number `position`, from the last plain index to the first.
fn offset(nest: &[Index], position: usize, stride: fn(&Index) -> isize) -> isize {
    let mut left = position;
    nest.iter().rev().fold(0, |sum, index| {
        let value = left % index.extent;
        left /= index.extent;
        sum + value as isize * stride(index)
    })
}

fn total(nest: &[Index]) -> usize {
    nest.iter().map(|index| index.extent).product()
}

/// The definition: chains in pieces. Also gives a plain sum in f64 for a test of the definition itself.
fn reference<E: Element>(spec: &ContractionSpec, a: &[E], b: &[E], c: &mut [E]) {
    let (k, piece) = (total(&spec.k), piece_length(total(&spec.k)));
    for batch in 0..total(&spec.batch) {
        for m in 0..total(&spec.m) {
            for n in 0..total(&spec.n) {
                let a_at =
                    spec.a_base + offset(&spec.batch, batch, |i| i.a) + offset(&spec.m, m, |i| i.a);
                let b_at =
                    spec.b_base + offset(&spec.batch, batch, |i| i.b) + offset(&spec.n, n, |i| i.b);
                let c_at = spec.c_base
                    + offset(&spec.batch, batch, |i| i.c)
                    + offset(&spec.m, m, |i| i.c)
                    + offset(&spec.n, n, |i| i.c);
                let mut sum = spec.accumulate.then_some(c[c_at as usize]);
                let (mut exact, mut scale) = (0.0, 0.0_f64);
                for start in (0..k.max(1)).step_by(piece) {
                    let mut chain = E::from(0.0);
                    for at in start..(start + piece).min(k) {
                        let x = a[(a_at + offset(&spec.k, at, |i| i.a)) as usize];
                        let y = b[(b_at + offset(&spec.k, at, |i| i.b)) as usize];
                        chain = x.fused(y, chain);
                        exact += x.to() * y.to();
                        scale += (x.to() * y.to()).abs();
                    }
                    sum = Some(sum.map_or(chain, |sum| sum.plus(chain)));
                }
                let sum = sum.unwrap_or(E::from(0.0));
                if !spec.accumulate {
                    assert!(
                        (sum.to() - exact).abs() <= 1e-4 * scale + 1e-30,
                        "the reference itself is off"
                    );
                }
                c[c_at as usize] = sum;
            }
        }
    }
}

/// Elements of a buffer that a range of offsets needs.
fn needed(range: Option<RangeInclusive<isize>>) -> usize {
    range.map_or(0, |range| {
        assert!(*range.start() >= 0, "negative offset in a test spec");
        *range.end() as usize + 1
    })
}

/// How a case is run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Whole,
    Tasks,
    OddRanges,
    Columns,
    Prepacked,
    Pieces,
    Blocks,
}

fn run<E: Element>(plan: &Contraction, a: &[E], b: &[E], c: &mut [E], way: Way) {
    let mut scratch = vec![0xAB_u8; plan.scratch_bytes()];
    let mut packed = vec![
        E::from(f64::NAN);
        if way == Way::Prepacked {
            plan.pack_bytes() / plan.dtype.size()
        } else {
            0
        }
    ];
    let mut operands = Operands {
        a: a.as_ptr().cast(),
        b: b.as_ptr().cast(),
        c: c.as_mut_ptr().cast(),
        packed: std::ptr::null(),
    };
    // SAFETY: the buffers were made from the plan's own ranges and sizes; C is written by this thread only.
    unsafe {
        match way {
            Way::Whole => plan.run(&operands, scratch.as_mut_ptr(), 0..plan.rows()),
            Way::Tasks => {
                let mut next = 0;
                for task in 0..plan.tasks() {
                    assert_eq!(plan.task(task).start, next, "tasks leave a gap");
                    next = plan.task(task).end;
                    plan.run(&operands, scratch.as_mut_ptr(), plan.task(task));
                }
                assert_eq!(next, plan.rows(), "tasks do not cover the rows");
            }
            Way::OddRanges => {
                let mut next = 0;
                for step in [1, 5, 3, 17, 2, 40].into_iter().cycle() {
                    let end = (next + step).min(plan.rows());
                    plan.run(&operands, scratch.as_mut_ptr(), next..end);
                    next = end;
                    if next == plan.rows() {
                        break;
                    }
                }
            }
            Way::Columns => {
                let parts = plan.column_tasks().min(3);
                let mut next = 0;
                for part in (0..parts).filter(|_| parts > 1) {
                    let columns = plan.columns_of(part, parts);
                    assert_eq!(columns.start, next, "parts follow one another");
                    next = columns.end;
                    plan.run_columns(&operands, scratch.as_mut_ptr(), columns);
                }
                // Ranges that end anywhere give the same bits.
                let step = plan.columns().div_ceil(3).max(1);
                for start in (next..plan.columns()).step_by(step) {
                    let end = plan.columns().min(start + step);
                    plan.run_columns(&operands, scratch.as_mut_ptr(), start..end);
                }
            }
            Way::Prepacked => {
                let operand = match plan.packs() {
                    Some(Operand::A) => operands.a,
                    Some(Operand::B) | None => operands.b,
                };
                let parts = plan.pack_parts();
                plan.pack(operand, packed.as_mut_ptr().cast(), parts / 2..parts);
                plan.pack(operand, packed.as_mut_ptr().cast(), 0..parts / 2);
                if plan.packs().is_some() {
                    operands.packed = packed.as_ptr().cast();
                }
                plan.run(&operands, scratch.as_mut_ptr(), 0..plan.rows());
            }
            Way::Pieces => {
                let bytes = plan.partial_bytes();
                let mut partials =
                    vec![E::from(f64::NAN); plan.pieces() * plan.rows() * plan.columns()];
                let base: *mut u8 = partials.as_mut_ptr().cast();
                for piece in (0..plan.pieces()).rev() {
                    let part = Operands {
                        c: base.add(piece * bytes),
                        ..operands
                    };
                    let half = plan.rows() / 2;
                    plan.run_piece(&part, scratch.as_mut_ptr(), half..plan.rows(), piece);
                    plan.run_piece(&part, scratch.as_mut_ptr(), 0..half, piece);
                }
                plan.combine(base, operands.c, 0..plan.rows());
            }
            Way::Blocks => match plan.block_rows(plan.transposed()) {
                Some(block) => run_in_blocks(plan, operands, c, block),
                None => plan.run(&operands, scratch.as_mut_ptr(), 0..plan.rows()),
            },
        }
    }
}

/// Takes C block by block out of memory in which each block overwrites the one before; each element must come once.
fn run_in_blocks<E: Element>(plan: &Contraction, operands: Operands, c: &mut [E], block: usize) {
    let mut scratch = vec![0xAB_u8; plan.scratch_bytes()];
    let lanes = if plan.transposed() {
        plan.rows()
    } else {
        plan.columns()
    };
    let rows = plan.rows() * plan.columns() / lanes.max(1);
    let base = plan.c_range().map_or(0, |range| *range.start() as usize);
    let mut room = vec![E::from(f64::NAN); c.len()];
    let mut times = vec![0; c.len()];
    for part in [0..rows / 3, rows / 3..rows] {
        let first = part.start;
        let operands = Operands {
            c: room.as_mut_ptr().cast(),
            ..operands
        };
        let written = room.as_ptr();
        let mut take = |done: std::ops::Range<usize>, range: std::ops::Range<usize>| {
            for row in done.clone() {
                for lane in range.clone() {
                    let at = base + row * lanes + lane;
                    let here = base + (first + row - done.start) * lanes + lane;
                    // SAFETY: the row is one of the part's.
                    c[at] = unsafe { *written.add(here) };
                    times[at] += 1;
                }
            }
        };
        // SAFETY: the buffers were made from the plan's own ranges and sizes; this thread alone uses them.
        unsafe { plan.run_blocks(&operands, scratch.as_mut_ptr(), (part, block), &mut take) };
    }
    assert!(times[base..].iter().all(|&times| times == 1));
}

/// Every instruction set here, every orientation, every way to run: the same bits as the definition.
fn check<E: Element>(spec: &ContractionSpec, seed: u64, name: &str) {
    let mut random = Random(seed | 1);
    let sizing = Contraction::new(spec, &Cpu::detect()).expect("a valid spec");
    let mut fill = |count: usize| {
        (0..count)
            .map(|_| E::from(random.float()))
            .collect::<Vec<E>>()
    };
    let a = fill(needed(sizing.a_range()));
    let b = fill(needed(sizing.b_range()));
    let before = fill(needed(sizing.c_range()));
    let mut expected = before.clone();
    reference(spec, &a, &b, &mut expected);
    for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512] {
        let Some(cpu) = Cpu::force(isa) else { continue };
        for orientation in [Orientation::Auto, Orientation::LanesN, Orientation::LanesM] {
            for prepacked in [false, true] {
                let spec = ContractionSpec {
                    orientation,
                    prepacked,
                    ..spec.clone()
                };
                let plan = Contraction::new(&spec, &cpu).expect("a valid spec");
                for way in [
                    Way::Whole,
                    Way::Tasks,
                    Way::OddRanges,
                    Way::Columns,
                    Way::Prepacked,
                    Way::Pieces,
                    Way::Blocks,
                ] {
                    let mut c = before.clone();
                    run(&plan, &a, &b, &mut c, way);
                    let wrong = (0..c.len()).find(|&at| c[at].bits() != expected[at].bits());
                    if let Some(at) = wrong {
                        panic!(
                            "{name}, seed {seed}, {isa:?} {orientation:?} packed {:?} {way:?}: element {at} is {:?}, not {:?}\n{spec:?}",
                            plan.packs(),
                            c[at],
                            expected[at]
                        );
                    }
                }
            }
        }
    }
}

/// Row-major strides of a random order of the given extents, sometimes with gaps.
fn layout(random: &mut Random, extents: &[usize]) -> Vec<isize> {
    let mut order: Vec<usize> = (0..extents.len()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at + 1));
    }
    if random.below(2) == 0 {
        order.sort_unstable();
    }
    let mut strides = vec![0; extents.len()];
    let mut step = if random.below(5) == 0 { 2 } else { 1 };
    for &at in order.iter().rev() {
        strides[at] = step;
        step *= (extents[at].max(1)
            + if random.below(4) == 0 {
                random.below(3)
            } else {
                0
            }) as isize;
    }
    for stride in &mut strides {
        *stride *= random.pick(&[1, 1, 1, -1]);
    }
    strides
}

/// A base that makes the least offset zero.
fn base(indices: &[Index], stride: fn(&Index) -> isize) -> isize {
    indices
        .iter()
        .map(|index| (-(index.extent as isize - 1) * stride(index)).max(0))
        .sum()
}

fn random_spec(random: &mut Random, dtype: DType) -> ContractionSpec {
    let mut extents = |depth: usize, sizes: &[usize]| -> Vec<usize> {
        let depth = random.below(depth + 1);
        (0..depth).map(|_| random.pick(sizes)).collect()
    };
    let batch = extents(2, &[1, 2, 3]);
    let m = extents(2, &[1, 2, 3, 5, 6, 7, 8, 13, 19]);
    let n = extents(2, &[1, 2, 4, 5, 8, 10, 16, 17, 28]);
    let k = extents(3, &[1, 2, 3, 5, 8, 9, 25, 0]);
    let join = |parts: &[&Vec<usize>]| {
        parts
            .iter()
            .flat_map(|part| part.iter().copied())
            .collect::<Vec<usize>>()
    };
    let mut a = layout(random, &join(&[&batch, &m, &k]));
    let mut b = layout(random, &join(&[&batch, &k, &n]));
    let c = layout(random, &join(&[&batch, &m, &n]));
    for operand in [&mut a, &mut b] {
        // Overlapping accesses, as of a convolution; and operands that the batch does not move.
        match random.below(4) {
            0 => operand
                .iter_mut()
                .for_each(|stride| *stride = random.pick(&[-9, -1, 0, 1, 1, 2, 7, 30])),
            1 => operand
                .iter_mut()
                .take(batch.len())
                .for_each(|stride| *stride = 0),
            _ => {}
        }
    }
    let (bs, ms, ns, ks) = (batch.len(), m.len(), n.len(), k.len());
    let index = |extent: usize, a: isize, b: isize, c: isize| Index::new(extent, a, b, c);
    let mut spec = ContractionSpec {
        batch: (0..bs).map(|i| index(batch[i], a[i], b[i], c[i])).collect(),
        m: (0..ms)
            .map(|i| index(m[i], a[bs + i], 0, c[bs + i]))
            .collect(),
        n: (0..ns)
            .map(|i| index(n[i], 0, b[bs + ks + i], c[bs + ms + i]))
            .collect(),
        k: (0..ks)
            .map(|i| index(k[i], a[bs + ms + i], b[bs + i], 0))
            .collect(),
        accumulate: random.below(4) == 0,
        ..ContractionSpec::new(dtype)
    };
    let all: Vec<Index> = [&spec.batch, &spec.m, &spec.n, &spec.k]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    spec.a_base = base(&all, |i| i.a) + random.below(3) as isize;
    spec.b_base = base(&all, |i| i.b) + random.below(3) as isize;
    spec.c_base = base(&all, |i| i.c) + random.below(3) as isize;
    spec
}

#[test]
fn random_specs_give_the_bits_of_the_definition() {
    for seed in 1..=250_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let spec = random_spec(&mut random, DType::F32);
        check::<f32>(&spec, seed, "random");
    }
    for seed in 1..=80_u64 {
        let mut random = Random(seed.wrapping_mul(0xD134_2543_DE82_EF95) | 1);
        let spec = random_spec(&mut random, DType::F64);
        check::<f64>(&spec, seed, "random");
    }
}

/// All four transpositions of one size.
fn check_matmul(m: usize, n: usize, k: usize) {
    let (im, inn, ik) = (m as isize, n as isize, k as isize);
    for a in [(ik, 1), (1, im)] {
        for b in [(inn, 1), (1, ik)] {
            for c in [(inn, 1), (1, im)] {
                let spec = ContractionSpec::matmul(DType::F32, (m, n, k), a, b, c);
                check::<f32>(&spec, (m * 31 + n * 7 + k) as u64, "matmul");
            }
        }
    }
}

#[test]
fn matmul_of_awkward_sizes() {
    for (m, n, k) in [
        (1, 1, 1),
        (1, 70, 33),
        (70, 1, 33),
        (7, 16, 1),
        (13, 10, 65),
        (6, 16, 8),
        (25, 33, 40),
        (0, 5, 5),
        (5, 0, 5),
        (5, 5, 0),
    ] {
        check_matmul(m, n, k);
    }
}

#[test]
fn long_sums_run_in_blocks_and_pieces() {
    for (m, n, k) in [(7, 11, 700), (5, 9, 4096), (6, 10, 4097), (3, 18, 9001)] {
        let (inn, ik) = (n as isize, k as isize);
        let spec = ContractionSpec::matmul(DType::F32, (m, n, k), (ik, 1), (inn, 1), (inn, 1));
        check::<f32>(&spec, k as u64, "long");
        check::<f32>(
            &ContractionSpec {
                accumulate: true,
                ..spec
            },
            k as u64,
            "long, accumulated",
        );
        let spec = ContractionSpec::matmul(
            DType::F32,
            (m, n, k),
            (1, m as isize),
            (1, ik),
            (1, m as isize),
        );
        check::<f32>(&spec, k as u64, "long, transposed");
    }
}

#[test]
fn wide_and_tall_products_use_all_blocks() {
    check_matmul(150, 90, 300);
    let spec = ContractionSpec::matmul(DType::F32, (1100, 20, 300), (300, 1), (20, 1), (20, 1));
    check::<f32>(&spec, 3, "tall");
    let spec = ContractionSpec::matmul(DType::F32, (12, 900, 300), (300, 1), (900, 1), (900, 1));
    check::<f32>(&spec, 4, "wide");
}

/// Sizes of a convolution over padded NCHW input.
#[derive(Clone, Copy)]
struct Conv {
    images: usize,
    inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
    kernel: usize,
    stride: usize,
}

impl Conv {
    fn out(self) -> (usize, usize) {
        (
            (self.height - self.kernel) / self.stride + 1,
            (self.width - self.kernel) / self.stride + 1,
        )
    }

    /// y[b, o, i, j] = sum[c, k, l] w[o, c, k, l] * x[b, c, s*i + k, s*j + l]
    fn forward(self) -> ContractionSpec {
        let (oh, ow) = self.out();
        let (h, w, k, s) = (
            self.height as isize,
            self.width as isize,
            self.kernel as isize,
            self.stride as isize,
        );
        let (c, o) = (self.inputs as isize, self.outputs as isize);
        let plane = (oh * ow) as isize;
        ContractionSpec {
            batch: vec![Index::new(self.images, 0, c * h * w, o * plane)],
            m: vec![Index::new(self.outputs, c * k * k, 0, plane)],
            n: vec![
                Index::new(oh, 0, s * w, ow as isize),
                Index::new(ow, 0, s, 1),
            ],
            k: vec![
                Index::new(self.inputs, k * k, h * w, 0),
                Index::new(self.kernel, k, w, 0),
                Index::new(self.kernel, 1, 1, 0),
            ],
            ..ContractionSpec::new(DType::F32)
        }
    }

    /// dx[b, c, p, q] = sum[o, k, l] w[o, c, k, l] * dy[b, o, p - k, q - l], dy padded by kernel - 1 (stride 1)
    fn data_gradient(self) -> ContractionSpec {
        let (oh, ow) = self.out();
        let (h, w, k) = (
            self.height as isize,
            self.width as isize,
            self.kernel as isize,
        );
        let (c, o) = (self.inputs as isize, self.outputs as isize);
        let (ph, pw) = (oh as isize + 2 * (k - 1), ow as isize + 2 * (k - 1));
        ContractionSpec {
            batch: vec![Index::new(self.images, 0, o * ph * pw, c * h * w)],
            m: vec![Index::new(self.inputs, k * k, 0, h * w)],
            n: vec![
                Index::new(self.height, 0, pw, w),
                Index::new(self.width, 0, 1, 1),
            ],
            k: vec![
                Index::new(self.outputs, c * k * k, ph * pw, 0),
                Index::new(self.kernel, k, -pw, 0),
                Index::new(self.kernel, 1, -1, 0),
            ],
            b_base: (k - 1) * pw + (k - 1),
            ..ContractionSpec::new(DType::F32)
        }
    }

    /// dw[o, c, k, l] = sum[b, i, j] dy[b, o, i, j] * x[b, c, i + k, j + l]
    fn weight_gradient(self) -> ContractionSpec {
        let (oh, ow) = self.out();
        let (h, w, k, s) = (
            self.height as isize,
            self.width as isize,
            self.kernel as isize,
            self.stride as isize,
        );
        let (c, o) = (self.inputs as isize, self.outputs as isize);
        let plane = (oh * ow) as isize;
        ContractionSpec {
            m: vec![Index::new(self.outputs, plane, 0, c * k * k)],
            n: vec![
                Index::new(self.inputs, 0, h * w, k * k),
                Index::new(self.kernel, 0, w, k),
                Index::new(self.kernel, 0, 1, 1),
            ],
            k: vec![
                Index::new(self.images, o * plane, c * h * w, 0),
                Index::new(oh, ow as isize, s * w, 0),
                Index::new(ow, 1, s, 0),
            ],
            ..ContractionSpec::new(DType::F32)
        }
    }
}

#[test]
fn convolution_forward_and_both_gradients() {
    let small = Conv {
        images: 3,
        inputs: 1,
        outputs: 6,
        height: 16,
        width: 15,
        kernel: 5,
        stride: 1,
    };
    let deep = Conv {
        images: 2,
        inputs: 6,
        outputs: 16,
        height: 9,
        width: 9,
        kernel: 3,
        stride: 1,
    };
    let strided = Conv {
        images: 2,
        inputs: 3,
        outputs: 9,
        height: 11,
        width: 13,
        kernel: 3,
        stride: 2,
    };
    for (conv, name) in [(small, "small"), (deep, "deep"), (strided, "strided")] {
        check::<f32>(&conv.forward(), 11, name);
        check::<f32>(&conv.weight_gradient(), 12, name);
        if conv.stride == 1 {
            check::<f32>(&conv.data_gradient(), 13, name);
        }
    }
    let long = Conv {
        images: 40,
        ..small
    };
    check::<f32>(&long.weight_gradient(), 14, "weight gradient in pieces");
}

#[test]
fn block_local_destination() {
    let (m, n, k) = (20, 24, 10);
    let spec = ContractionSpec::matmul(DType::F32, (m, n, k), (10, 1), (24, 1), (24, 1));
    let plan = Contraction::new(&spec, &Cpu::detect()).expect("a valid spec");
    let a: Vec<f32> = (0..m * k).map(|i| i as f32).collect();
    let b: Vec<f32> = (0..n * k).map(|i| (i % 7) as f32).collect();
    let mut whole = vec![0.0_f32; m * n];
    run(&plan, &a, &b, &mut whole, Way::Whole);
    let mut block = vec![0.0_f32; 5 * n];
    let mut scratch = vec![0_u8; plan.scratch_bytes()];
    let base = block.as_mut_ptr().wrapping_sub(10 * n);
    let operands = Operands {
        a: a.as_ptr().cast(),
        b: b.as_ptr().cast(),
        c: base.cast(),
        packed: std::ptr::null(),
    };
    // SAFETY: rows 10..15 of C land in `block`.
    unsafe { plan.run(&operands, scratch.as_mut_ptr(), 10..15) };
    assert_eq!(block, whole[10 * n..15 * n]);
}

#[test]
fn refused_specs() {
    let spec = ContractionSpec::matmul(DType::I32, (2, 2, 2), (2, 1), (2, 1), (2, 1));
    assert_eq!(
        Contraction::new(&spec, &Cpu::detect()).err(),
        Some(ContractionError::Type(DType::I32))
    );
    let mut spec = ContractionSpec::matmul(DType::F32, (2, 2, 2), (2, 1), (2, 1), (2, 1));
    spec.m[0].b = 1;
    assert!(matches!(
        Contraction::new(&spec, &Cpu::detect()),
        Err(ContractionError::Stride { nest: "m", .. })
    ));
    let spec = ContractionSpec::matmul(
        DType::F32,
        (1 << 20, 1 << 20, 2),
        (1 << 20, 1),
        (2, 1),
        (2, 1),
    );
    assert!(matches!(
        Contraction::new(&spec, &Cpu::detect()),
        Err(ContractionError::TooLarge("A"))
    ));
}
