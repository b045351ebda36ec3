//! What it costs that the order of every sum is fixed by shapes: `cargo bench --bench fixed_sums`. Beside each compiled sum stands plain Rust
//! that may add in any order: eight vectors at once, and one share of the terms for each thread. Columns: threads, microseconds of either,
//! their ratio, and whether the two and the other numbers of threads give the same bits.
use dlmc::base::tensor::{Elements, Tensor};
use dlmc::base::types::DType;
use dlmc::pass::optimise;
use dlmc::runtime::contraction::{Contraction, ContractionSpec, Cpu, Operands};
use dlmc::testing::Rng;
use dlmc::testing::differential::Ready;
use dlmc::tir::parse::parse;
use std::time::Instant;

/// Elements that a vector has, and vectors that are added to in turn: enough to hide the latency of an addition.
const LANES: usize = 8;
const VECTORS: usize = 8;

/// A sum in the order that is fastest.
fn free_sum(terms: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the instruction set was just detected.
        return unsafe { free_sum_avx2(terms) };
    }
    lanes_sum(terms)
}

/// The same, compiled for eight lanes.
///
/// # Safety
/// The processor has these instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn free_sum_avx2(terms: &[f32]) -> f32 {
    lanes_sum(terms)
}

#[inline(always)]
fn lanes_sum(terms: &[f32]) -> f32 {
    let mut sums = [[0.0_f32; LANES]; VECTORS];
    let (blocks, rest) = terms.as_chunks::<{ LANES * VECTORS }>();
    for block in blocks {
        let (vectors, _) = block.as_chunks::<LANES>();
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            for (sum, term) in sum.iter_mut().zip(vector) {
                *sum += term;
            }
        }
    }
    sums.as_flattened().iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// Adds rows to sums of their columns.
fn free_columns(rows: &[f32], sums: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the instruction set was just detected.
        return unsafe { free_columns_avx2(rows, sums) };
    }
    lanes_columns(rows, sums);
}

/// The same, compiled for eight lanes.
///
/// # Safety
/// The processor has these instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn free_columns_avx2(rows: &[f32], sums: &mut [f32]) {
    lanes_columns(rows, sums);
}

/// Four rows at a time, so that the sums are read and written once for all four.
#[inline(always)]
fn lanes_columns(rows: &[f32], sums: &mut [f32]) {
    let width = sums.len();
    for four in rows.chunks_exact(4 * width) {
        let (a, rest) = four.split_at(width);
        let (b, rest) = rest.split_at(width);
        let (c, d) = rest.split_at(width);
        for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *sum += (a + b) + (c + d);
        }
    }
}

/// Work on each thread's share of some terms, and the results added.
fn shared<R: Send>(
    terms: &[f32],
    threads: usize,
    work: &(impl Fn(&[f32]) -> R + Sync),
    add: &(impl Fn(R, R) -> R + Sync),
) -> R {
    if threads == 1 {
        return work(terms);
    }
    let (one, rest) = terms.split_at(terms.len() / threads / 64 * 64);
    let (one, rest) = rayon::join(|| work(one), || shared(rest, threads - 1, work, add));
    add(one, rest)
}

/// Seconds of a call: the best of several timed groups.
fn seconds(mut work: impl FnMut(usize)) -> f64 {
    work(1);
    let start = Instant::now();
    work(1);
    let calls = (0.002 / start.elapsed().as_secs_f64().max(1e-9)) as usize;
    let calls = calls.clamp(1, 100_000);
    let times = (0..30).map(|_| {
        let start = Instant::now();
        work(calls);
        start.elapsed().as_secs_f64() / calls as f64
    });
    times.fold(f64::INFINITY, f64::min)
}

/// One sum: the text of its graph, and the same in any order on so many threads of the current pool.
struct Case {
    name: &'static str,
    graph: String,
    free: fn(&[Vec<f32>], usize) -> Vec<f32>,
}

fn all(inputs: &[Vec<f32>], threads: usize) -> Vec<f32> {
    vec![shared(&inputs[0], threads, &free_sum, &|a, b| a + b)]
}

const WIDTH: usize = 1024;

fn by_rows(inputs: &[Vec<f32>], threads: usize) -> Vec<f32> {
    let sums = |rows: &[f32]| rows.chunks_exact(WIDTH).map(free_sum).collect::<Vec<f32>>();
    let joined = |mut a: Vec<f32>, b: Vec<f32>| {
        a.extend(b);
        a
    };
    shared(&inputs[0], threads, &sums, &joined)
}

fn by_columns(inputs: &[Vec<f32>], threads: usize) -> Vec<f32> {
    let sums = |rows: &[f32]| {
        let mut sums = vec![0.0; WIDTH];
        free_columns(rows, &mut sums);
        sums
    };
    shared(&inputs[0], threads, &sums, &added)
}

fn added(mut a: Vec<f32>, b: Vec<f32>) -> Vec<f32> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}

/// Rows of the long product, and its sides.
const LONG: usize = 65_536;
const SIDE: usize = 64;

/// The terms of a long product, a share for each thread: each a product of the same engine, whose order is then its own.
fn long_product(inputs: &[Vec<f32>], threads: usize) -> Vec<f32> {
    let share = LONG / threads;
    let side = SIDE as isize;
    let sizes = (SIDE, SIDE, share);
    let spec = ContractionSpec::matmul(DType::F32, sizes, (1, side), (side, 1), (side, 1));
    let plan = Contraction::new(&spec, &Cpu::detect()).expect("a product of matrices");
    let part = |number: usize| {
        let first = number * share * SIDE;
        let mut c = vec![0.0_f32; SIDE * SIDE];
        let mut scratch = vec![0_u8; plan.scratch_bytes()];
        let operands = Operands {
            a: inputs[0][first..][..share * SIDE].as_ptr().cast(),
            b: inputs[1][first..][..share * SIDE].as_ptr().cast(),
            c: c.as_mut_ptr().cast(),
            packed: std::ptr::null(),
        };
        // SAFETY: the operands have the sizes of the plan, and this thread alone uses result and scratch.
        unsafe { plan.run(&operands, scratch.as_mut_ptr(), 0..plan.rows()) };
        c
    };
    match threads {
        1 => part(0),
        _ => {
            let (a, b) = rayon::join(|| part(0), || part(1));
            added(a, b)
        }
    }
}

fn cases() -> Vec<Case> {
    let sum = |n: usize| {
        format!("v0: f32[{n}] = input 0 \"x\"\nv1: f32[] = [] sum[i0 < {n}] v0[i0]\nreturn v1\n")
    };
    let rows = |n: usize| {
        format!(
            "v0: f32[{n}, {WIDTH}] = input 0 \"x\"\nv1: f32[{n}] = [i0 < {n}] sum[i1 < {WIDTH}] v0[i0, i1]\nreturn v1\n"
        )
    };
    let columns = |n: usize| {
        format!(
            "v0: f32[{n}, {WIDTH}] = input 0 \"x\"\nv1: f32[{WIDTH}] = [i0 < {WIDTH}] sum[i1 < {n}] v0[i1, i0]\nreturn v1\n"
        )
    };
    let long = format!(
        "v0: f32[{LONG}, {SIDE}] = input 0 \"x\"\nv1: f32[{LONG}, {SIDE}] = input 1 \"y\"\nv2: f32[{SIDE}, {SIDE}] = [i0 < {SIDE}, i1 < {SIDE}] sum[i2 < {LONG}] (mul v0[i2, i0] v1[i2, i1])\nreturn v2\n"
    );
    let case = |name, graph, free| Case { name, graph, free };
    vec![
        case("all of 16 K", sum(1 << 14), all),
        case("all of 1 M", sum(1 << 20), all),
        case("all of 16 M", sum(1 << 24), all),
        case("rows of 64 x 1024", rows(64), by_rows),
        case("rows of 4096 x 1024", rows(4096), by_rows),
        case("columns of 64 x 1024", columns(64), by_columns),
        case("columns of 4096 x 1024", columns(4096), by_columns),
        case("product, 64 x 65536 x 64", long, long_product),
    ]
}

fn main() -> Result<(), String> {
    println!(
        "{:26} {:>7} {:>10} {:>10} {:>7}  bits",
        "sum", "threads", "fixed, us", "free, us", "ratio"
    );
    for case in cases() {
        measure(&case)?;
    }
    Ok(())
}

fn measure(case: &Case) -> Result<(), String> {
    let graph = optimise(
        &parse(&case.graph).map_err(|why| why.to_string())?,
        &[],
        &mut |_, _| {},
    )?;
    let mut rng = Rng::new(1);
    let values: Vec<Vec<f32>> = graph
        .inputs
        .iter()
        .map(|input| {
            (0..input.ty.len())
                .map(|_| rng.between(-1.0, 1.0) as f32)
                .collect()
        })
        .collect();
    let tensors: Option<Vec<Tensor>> = graph
        .inputs
        .iter()
        .zip(&values)
        .map(|(input, values)| Tensor::new(input.ty.shape.clone(), Elements::F32(values.clone())))
        .collect();
    let tensors = tensors.ok_or("as many elements as the shapes say")?;
    let mut first: Option<(Vec<Tensor>, Vec<f32>)> = None;
    for threads in [1, 2] {
        let mut ready = Ready::new(&graph, &[None], &tensors, threads)?;
        let mut failed = Ok(());
        let fixed = seconds(|times| {
            let ran = ready.run(times);
            if ran.is_err() {
                failed = ran;
            }
        });
        failed?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|why| why.to_string())?;
        let mut sums = Vec::new();
        let free = pool.install(|| {
            seconds(|times| {
                for _ in 0..times {
                    sums =
                        std::hint::black_box((case.free)(std::hint::black_box(&values), threads));
                }
            })
        });
        let outputs = ready.outputs()?;
        let same = first.as_ref().map_or(String::from("-"), |(fixed, free)| {
            let word = |same: bool| if same { "same" } else { "other" };
            let free = free
                .iter()
                .zip(&sums)
                .all(|(a, b)| a.to_bits() == b.to_bits());
            let fixed = fixed
                .iter()
                .zip(&outputs)
                .all(|(a, b)| a.bytes() == b.bytes());
            format!("fixed {}, free {}", word(fixed), word(free))
        });
        println!(
            "{:26} {threads:7} {:10.1} {:10.1} {:7.2}  {same}",
            case.name,
            fixed * 1e6,
            free * 1e6,
            fixed / free
        );
        first.get_or_insert((outputs, sums));
    }
    Ok(())
}
