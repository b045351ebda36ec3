//! Speed of the contraction engine on one thread, against a loop of FMAs measured in the same run.
//!
//! `cargo bench --bench contraction [-- FILTER]`. Columns: GFLOP/s of the plan that the cost model chose, its share of
//! the peak, that share with operands from memory (prepacked ones apart), what it is (lanes along N or M, packed or in place), then the share of each forced orientation.
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

fn main() {
    let filter: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
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
