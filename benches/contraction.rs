//! Speed of the contraction engine on one thread, against a loop of FMAs measured in the same run.
//!
//! `cargo bench --bench contraction [-- FILTER]`. Columns: GFLOP/s of the plan that the cost model chose, its share of
//! the peak, that share with operands from memory (prepacked ones apart), what it is (lanes along N or M, packed or in place), then the share of each forced orientation.
//!
//! `cargo bench --bench contraction -- together`: several products that share an operand, one after another and as one;
//! `-- update`: gradients with the update of their weights behind the product and in it.
use dlmc::base::types::DType;
use dlmc::runtime::contraction::{
    Contraction, ContractionSpec, Cpu, Index, Operand, Operands, Orientation,
};
use dlmc::runtime::speed::Speed;
use std::time::Instant;

/// Seconds of one call: the best of several timed groups.
fn seconds(mut work: impl FnMut()) -> f64 {
    work();
    let start = Instant::now();
    work();
    let once = start.elapsed().as_secs_f64().max(1e-9);
    let calls = ((0.0015 / once) as usize).clamp(1, 1_000_000);
    (0..40)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| work());
            start.elapsed().as_secs_f64() / calls as f64
        })
        .fold(f64::INFINITY, f64::min)
}

/// GFLOP/s of a loop that only multiplies and adds.
fn peak() -> f64 {
    Speed::measure(1).flops / 1e9
}

fn buffer(range: Option<std::ops::RangeInclusive<isize>>) -> Vec<f32> {
    let count = range.map_or(0, |range| *range.end() as usize + 1);
    (0..count)
        .map(|i| (i * 7919 % 1000) as f32 / 1000.0 - 0.5)
        .collect()
}

/// GFLOP/s and a description of one plan.
fn measure(spec: &ContractionSpec) -> (f64, String) {
    let Ok(plan) = Contraction::new(spec, &Cpu::detect()) else {
        return (f64::NAN, String::from("refused"));
    };
    let (a, b, mut c) = (
        buffer(plan.a_range()),
        buffer(plan.b_range()),
        buffer(plan.c_range()),
    );
    let mut scratch = vec![0_u8; plan.scratch_bytes()];
    let mut packed = vec![0_f32; plan.pack_bytes() / 4];
    let mut operands = Operands {
        a: a.as_ptr().cast(),
        b: b.as_ptr().cast(),
        c: c.as_mut_ptr().cast(),
        packed: std::ptr::null(),
    };
    if spec.prepacked && !packed.is_empty() {
        let source = if plan.packs() == Some(Operand::A) {
            operands.a
        } else {
            operands.b
        };
        // SAFETY: `packed` has the plan's size, the operand its range.
        unsafe { plan.pack(source, packed.as_mut_ptr().cast(), 0..plan.pack_parts()) };
        operands.packed = packed.as_ptr().cast();
    }
    // SAFETY: the buffers have the plan's own sizes and this thread alone uses them.
    let time = seconds(|| unsafe { plan.run(&operands, scratch.as_mut_ptr(), 0..plan.rows()) });
    let lanes = if plan.transposed() { "M" } else { "N" };
    let how = if plan.packs().is_some() {
        "packed"
    } else {
        "in place"
    };
    (
        plan.flops() / time / 1e9,
        format!("{lanes} {how}, {} tasks", plan.tasks()),
    )
}

/// Bytes over which runs are spread whose operands shall come from memory.
const FAR_BYTES: usize = 64 << 20;

/// GFLOP/s of the plan when no operand lies in a cache, as within a training step: the median of runs that take turns over copies.
fn measure_far(spec: &ContractionSpec) -> f64 {
    let Ok(plan) = Contraction::new(spec, &Cpu::detect()) else {
        return f64::NAN;
    };
    let set = || {
        (
            buffer(plan.a_range()),
            buffer(plan.b_range()),
            buffer(plan.c_range()),
        )
    };
    let first = set();
    let bytes = (first.0.len() + first.1.len() + first.2.len()) * 4;
    let copies = (FAR_BYTES / bytes.max(1)).clamp(2, 512);
    let mut sets: Vec<_> = std::iter::once(first)
        .chain((1..copies).map(|_| set()))
        .collect();
    let mut scratch = vec![0_u8; plan.scratch_bytes()];
    let mut times = Vec::new();
    for _ in 0..(200 / copies).clamp(2, 12) {
        for (a, b, c) in &mut sets {
            let operands = Operands {
                a: a.as_ptr().cast(),
                b: b.as_ptr().cast(),
                c: c.as_mut_ptr().cast(),
                packed: std::ptr::null(),
            };
            let start = Instant::now();
            // SAFETY: the buffers have the plan's own sizes and this thread alone uses them.
            unsafe { plan.run(&operands, scratch.as_mut_ptr(), 0..plan.rows()) };
            times.push(start.elapsed().as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    plan.flops() / times[times.len() / 2] / 1e9
}

fn matmul(m: usize, n: usize, k: usize, transpose_a: bool, transpose_b: bool) -> ContractionSpec {
    let (im, inn, ik) = (m as isize, n as isize, k as isize);
    let a = if transpose_a { (1, im) } else { (ik, 1) };
    let b = if transpose_b { (1, ik) } else { (inn, 1) };
    ContractionSpec::matmul(DType::F32, (m, n, k), a, b, (inn, 1))
}

/// Sizes of a convolution with stride 1 over padded NCHW input.
struct Conv {
    images: usize,
    inputs: usize,
    outputs: usize,
    size: usize,
    kernel: usize,
}

impl Conv {
    fn forward(&self) -> ContractionSpec {
        let (o, c, k, h) = (
            self.outputs as isize,
            self.inputs as isize,
            self.kernel as isize,
            self.size as isize,
        );
        let out = h - k + 1;
        ContractionSpec {
            batch: vec![Index::new(self.images, 0, c * h * h, o * out * out)],
            m: vec![Index::new(self.outputs, c * k * k, 0, out * out)],
            n: vec![
                Index::new(out as usize, 0, h, out),
                Index::new(out as usize, 0, 1, 1),
            ],
            k: vec![
                Index::new(self.inputs, k * k, h * h, 0),
                Index::new(self.kernel, k, h, 0),
                Index::new(self.kernel, 1, 1, 0),
            ],
            ..ContractionSpec::new(DType::F32)
        }
    }

    fn data_gradient(&self) -> ContractionSpec {
        let (o, c, k, h) = (
            self.outputs as isize,
            self.inputs as isize,
            self.kernel as isize,
            self.size as isize,
        );
        let p = h + k - 1;
        ContractionSpec {
            batch: vec![Index::new(self.images, 0, o * p * p, c * h * h)],
            m: vec![Index::new(self.inputs, k * k, 0, h * h)],
            n: vec![
                Index::new(self.size, 0, p, h),
                Index::new(self.size, 0, 1, 1),
            ],
            k: vec![
                Index::new(self.outputs, c * k * k, p * p, 0),
                Index::new(self.kernel, k, -p, 0),
                Index::new(self.kernel, 1, -1, 0),
            ],
            b_base: (k - 1) * p + k - 1,
            ..ContractionSpec::new(DType::F32)
        }
    }

    fn weight_gradient(&self) -> ContractionSpec {
        let (o, c, k, h) = (
            self.outputs as isize,
            self.inputs as isize,
            self.kernel as isize,
            self.size as isize,
        );
        let out = h - k + 1;
        ContractionSpec {
            m: vec![Index::new(self.outputs, out * out, 0, c * k * k)],
            n: vec![
                Index::new(self.inputs, 0, h * h, k * k),
                Index::new(self.kernel, 0, h, k),
                Index::new(self.kernel, 0, 1, 1),
            ],
            k: vec![
                Index::new(self.images, o * out * out, c * h * h, 0),
                Index::new(out as usize, out, h, 0),
                Index::new(out as usize, 1, 1, 0),
            ],
            ..ContractionSpec::new(DType::F32)
        }
    }
}

fn cases() -> Vec<(String, ContractionSpec)> {
    let mut cases = Vec::new();
    for (m, n, k) in [
        (64, 64, 64),
        (128, 128, 128),
        (256, 256, 256),
        (512, 512, 512),
        (1024, 1024, 1024),
        (64, 128, 784),
        (64, 10, 128),
        (1, 512, 512),
        (512, 1, 512),
        (32, 512, 128),
    ] {
        cases.push((format!("({m}x{k})({k}x{n})"), matmul(m, n, k, false, false)));
    }
    let packed = ContractionSpec {
        prepacked: true,
        ..matmul(32, 512, 128, false, false)
    };
    cases.push((String::from("(32x128)(128x512) prepacked"), packed));
    let packed = ContractionSpec {
        prepacked: true,
        ..matmul(1, 512, 512, false, false)
    };
    cases.push((String::from("(1x512)(512x512) prepacked"), packed));
    for (m, n, k) in [
        (64, 64, 64),
        (256, 256, 256),
        (784, 128, 64),
        (64, 784, 128),
        (64, 128, 10),
        (128, 10, 64),
    ] {
        for (ta, tb) in [(true, false), (false, true), (true, true)] {
            let name = format!(
                "({m}x{k}){} ({k}x{n}){}",
                if ta { "T" } else { "" },
                if tb { "T" } else { "" }
            );
            cases.push((name, matmul(m, n, k, ta, tb)));
        }
    }
    // A wide perceptron and a transformer: products forward, by the data and by the weights.
    for (m, n, k, ta, tb) in [
        (128, 1024, 784, false, false),
        (128, 1024, 1024, false, false),
        (128, 1024, 1024, false, true),
        (1024, 1024, 128, true, false),
        (784, 1024, 128, true, false),
        (768, 384, 128, false, false),
        (768, 512, 128, false, false),
        (768, 128, 512, false, false),
        (768, 128, 512, false, true),
        (768, 512, 128, false, true),
        (128, 512, 768, true, false),
        (512, 128, 768, true, false),
        (32, 128, 512, false, true),
        (512, 128, 2048, true, false),
        (128, 512, 2048, true, false),
    ] {
        let mark = |transposed| if transposed { "T" } else { "" };
        let name = format!("net ({m}x{k}){} ({k}x{n}){}", mark(ta), mark(tb));
        cases.push((name, matmul(m, n, k, ta, tb)));
    }
    let heads = ContractionSpec {
        batch: vec![Index::new(32, 64 * 32, 64 * 32, 64 * 64)],
        ..matmul(64, 64, 32, false, true)
    };
    cases.push((String::from("attention 32 x (64x32)(64x32)T"), heads));
    let over_time = ContractionSpec {
        m: vec![Index::new(512, 1, 0, 1)],
        n: vec![Index::new(32, 0, 1, 512)],
        k: vec![
            Index::new(64, 32 * 512, 32, 0),
            Index::new(32, 512, 64 * 32, 0),
        ],
        ..ContractionSpec::new(DType::F32)
    };
    cases.push((
        String::from("lstm inputs (2048x512)T (32x64x32)"),
        over_time,
    ));
    for (name, conv) in [
        (
            "lenet 1, 2 images,",
            Conv {
                images: 2,
                inputs: 1,
                outputs: 6,
                size: 32,
                kernel: 5,
            },
        ),
        (
            "lenet 1",
            Conv {
                images: 64,
                inputs: 1,
                outputs: 6,
                size: 32,
                kernel: 5,
            },
        ),
        (
            "lenet 2",
            Conv {
                images: 64,
                inputs: 6,
                outputs: 16,
                size: 14,
                kernel: 5,
            },
        ),
        (
            "cnn 32",
            Conv {
                images: 64,
                inputs: 32,
                outputs: 32,
                size: 34,
                kernel: 3,
            },
        ),
    ] {
        cases.push((format!("{name} forward"), conv.forward()));
        cases.push((
            format!("{name} forward prepacked"),
            ContractionSpec {
                prepacked: true,
                ..conv.forward()
            },
        ));
        cases.push((format!("{name} data gradient"), conv.data_gradient()));
        cases.push((format!("{name} weight gradient"), conv.weight_gradient()));
    }
    cases
}

/// Several products with an operand in common, and the one product that they are parts of.
struct Family {
    name: &'static str,
    /// How many.
    parts: usize,
    part: ContractionSpec,
    whole: ContractionSpec,
    /// Whether their results are added.
    added: bool,
}

fn families() -> Vec<Family> {
    let family = |name, parts, part, whole, added| Family {
        name,
        parts,
        part,
        whole,
        added,
    };
    let prepacked = |spec| ContractionSpec {
        prepacked: true,
        ..spec
    };
    let mut families = Vec::new();
    for (rows, width, names) in [
        (768, 128, ["q, k, v, 768 x 128", "by data", "by weights"]),
        (768, 32, ["q, k, v, 768 x 32", "by data", "by weights"]),
        (64, 128, ["q, k, v, 64 x 128", "by data", "by weights"]),
        (2048, 512, ["q, k, v, 2048 x 512", "by data", "by weights"]),
    ] {
        let (n, m) = (width, rows);
        families.push(family(
            names[0],
            3,
            matmul(m, n, n, false, false),
            matmul(m, 3 * n, n, false, false),
            false,
        ));
        families.push(family(
            names[1],
            3,
            matmul(m, n, n, false, true),
            matmul(m, n, 3 * n, false, true),
            true,
        ));
        families.push(family(
            names[2],
            3,
            matmul(n, n, m, true, false),
            matmul(n, 3 * n, m, true, false),
            false,
        ));
    }
    for (rows, width, name) in [(32, 128, "gates, 32 x 128"), (8, 32, "gates, 8 x 32")] {
        families.push(family(
            name,
            4,
            prepacked(matmul(rows, width, width, false, false)),
            prepacked(matmul(rows, 4 * width, width, false, false)),
            false,
        ));
        families.push(family(
            "by state",
            4,
            prepacked(matmul(rows, width, width, false, true)),
            prepacked(matmul(rows, width, 4 * width, false, true)),
            true,
        ));
    }
    families
}

/// A plan with memory of its own.
struct Ready {
    plan: Contraction,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    scratch: Vec<u8>,
    packed: Vec<f32>,
}

impl Ready {
    fn new(spec: &ContractionSpec) -> Option<Ready> {
        let plan = Contraction::new(spec, &Cpu::detect()).ok()?;
        let mut ready = Ready {
            a: buffer(plan.a_range()),
            b: buffer(plan.b_range()),
            c: buffer(plan.c_range()),
            scratch: vec![0; plan.scratch_bytes()],
            packed: vec![
                0.0;
                if spec.prepacked {
                    plan.pack_bytes() / 4
                } else {
                    0
                }
            ],
            plan,
        };
        if !ready.packed.is_empty() {
            let source = match ready.plan.packs() {
                Some(Operand::A) => &ready.a,
                Some(Operand::B) | None => &ready.b,
            };
            let (source, target) = (source.as_ptr().cast(), ready.packed.as_mut_ptr().cast());
            // SAFETY: `packed` has the plan's size, the operand its range.
            unsafe { ready.plan.pack(source, target, 0..ready.plan.pack_parts()) };
        }
        Some(ready)
    }

    /// Runs it on another one's first operand where that is given.
    fn run(&mut self, a: Option<*const f32>) {
        let operands = Operands {
            a: a.unwrap_or(self.a.as_ptr()).cast(),
            b: self.b.as_ptr().cast(),
            c: self.c.as_mut_ptr().cast(),
            packed: if self.packed.is_empty() {
                std::ptr::null()
            } else {
                self.packed.as_ptr().cast()
            },
        };
        // SAFETY: the buffers have the plan's own sizes, the other operand is of an equal plan; this thread alone uses them.
        unsafe {
            self.plan
                .run(&operands, self.scratch.as_mut_ptr(), 0..self.plan.rows())
        };
    }
}

/// The sum of all results, a stretch that stays in a near cache after the other.
fn add_up(parts: &[Ready], sum: &mut [f32]) {
    for (at, target) in sum.chunks_mut(1024).enumerate() {
        let stretch = at * 1024..at * 1024 + target.len();
        target.copy_from_slice(&parts[0].c[stretch.clone()]);
        for part in &parts[1..] {
            for (sum, x) in target.iter_mut().zip(&part.c[stretch.clone()]) {
                *sum += x;
            }
        }
    }
    std::hint::black_box(sum);
}

/// Microseconds of a family's products one after another and as one.
fn together(family: &Family) -> Option<(f64, f64)> {
    let mut parts: Vec<Ready> = (0..family.parts)
        .map(|_| Ready::new(&family.part))
        .collect::<Option<_>>()?;
    let mut whole = Ready::new(&family.whole)?;
    let mut sum = parts[0].c.clone();
    let apart = seconds(|| {
        let shared = parts[0].a.as_ptr();
        for part in &mut parts {
            part.run((!family.added).then_some(shared));
        }
        if family.added {
            add_up(&parts, &mut sum);
        }
    });
    let as_one = seconds(|| whole.run(None));
    Some((apart * 1e6, as_one * 1e6))
}

/// One update of some parameters by a part of their gradient.
fn update(momentum: bool, w: &mut [f32], v: &mut [f32], g: &[f32]) {
    if momentum {
        for ((w, v), g) in w.iter_mut().zip(v).zip(g) {
            *v = 0.9 * *v + g;
            *w -= 0.1 * *v;
        }
    } else {
        for (w, g) in w.iter_mut().zip(g) {
            *w -= 0.1 * g;
        }
    }
}

/// The gradient of `rows` by `columns` weights from `k` examples, with the update behind it and in it.
fn updates() {
    println!(
        "{:<32}{:>10}{:>10}{:>10}{:>8}{:>8}",
        "gradient and update", "product", "apart us", "in it us", "gain", "block"
    );
    for (rows, columns, k) in [
        (784, 128, 64),
        (1024, 1024, 128),
        (784, 1024, 128),
        (128, 512, 2048),
        (512, 128, 768),
    ] {
        // As programs have it: the factors are the errors [k, columns] and the inputs [k, rows].
        let spec = ContractionSpec {
            m: vec![Index::new(columns, 1, 0, 1)],
            n: vec![Index::new(rows, 0, 1, columns as isize)],
            k: vec![Index::new(k, columns as isize, rows as isize, 0)],
            ..ContractionSpec::new(DType::F32)
        };
        for momentum in [false, true] {
            let Some(mut ready) = Ready::new(&spec) else {
                continue;
            };
            let name = if momentum { "momentum" } else { "sgd" };
            let name = format!("{rows} x {columns} by {k}, {name}");
            let Some(block) = ready.plan.block_rows(true) else {
                println!("{name:<32} is stored whole");
                continue;
            };
            let (mut w, mut v) = (vec![0.5_f32; rows * columns], vec![0.1_f32; rows * columns]);
            let product = seconds(|| ready.run(None));
            let apart = seconds(|| {
                ready.run(None);
                update(momentum, &mut w, &mut v, &ready.c);
            });
            let inside = seconds(|| {
                let operands = Operands {
                    a: ready.a.as_ptr().cast(),
                    b: ready.b.as_ptr().cast(),
                    c: ready.c.as_mut_ptr().cast(),
                    packed: std::ptr::null(),
                };
                let gradient = ready.c.as_ptr();
                let mut take = |done: std::ops::Range<usize>, lanes: std::ops::Range<usize>| {
                    for row in done.clone() {
                        let weights = row * columns + lanes.start..row * columns + lanes.end;
                        let place = (row - done.start) * columns + lanes.start;
                        // SAFETY: the block's rows are the first ones of C.
                        let g =
                            unsafe { std::slice::from_raw_parts(gradient.add(place), lanes.len()) };
                        update(momentum, &mut w[weights.clone()], &mut v[weights], g);
                    }
                };
                // SAFETY: the buffers have the plan's own sizes and this thread alone uses them.
                unsafe {
                    let scratch = ready.scratch.as_mut_ptr();
                    ready
                        .plan
                        .run_blocks(&operands, scratch, (0..rows, block), &mut take);
                }
            });
            println!(
                "{name:<32}{:>10.1}{:>10.1}{:>10.1}{:>7.1}%{block:>8}",
                product * 1e6,
                apart * 1e6,
                inside * 1e6,
                100.0 * (1.0 - inside / apart)
            );
        }
    }
}

fn main() {
    let filter: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    if filter.iter().any(|word| word == "together") {
        println!(
            "{:<24}{:>10}{:>10}{:>8}",
            "products", "apart us", "one us", "gain"
        );
        for family in families() {
            let Some((apart, one)) = together(&family) else {
                continue;
            };
            let gain = 100.0 * (1.0 - one / apart);
            println!("{:<24}{apart:>10.2}{one:>10.2}{gain:>7.1}%", family.name);
        }
        return;
    }
    if filter.iter().any(|word| word == "update") {
        return updates();
    }
    let mut best = peak();
    println!("peak {best:.1} GFLOP/s (FMA loop)\n");
    println!(
        "{:<34}{:>8} {:>5} {:>5}  {:<24}{:>6}{:>6}",
        "shape", "GFLOP/s", "peak", "far", "plan", "N", "M"
    );
    for (name, spec) in cases() {
        if !filter.is_empty() && !filter.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        best = best.max(peak());
        let (speed, what) = measure(&spec);
        let share = |speed: f64| format!("{:.0}%", 100.0 * speed / best);
        let forced = |orientation| {
            share(
                measure(&ContractionSpec {
                    orientation,
                    ..spec.clone()
                })
                .0,
            )
        };
        println!(
            "{name:<34}{speed:>8.1} {:>5} {:>5}  {what:<24}{:>6}{:>6}",
            share(speed),
            share(measure_far(&spec)),
            forced(Orientation::LanesN),
            forced(Orientation::LanesM)
        );
    }
}
