//! What this machine can do, measured on the spot: the roof that kernels are compared with.
use std::hint::black_box;
use std::time::Instant;

/// What some threads of a machine reach together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Operations a second of a loop of single-precision fused multiply-adds (two operations each).
    pub flops: f64,
    /// Bytes a second, read and written, of a copy much larger than the caches.
    pub bandwidth: f64,
}

/// Elements of each array that is copied, by all threads together: beyond most caches.
const COPIED: usize = 32 << 20;

impl Speed {
    /// Measures that many threads of the current pool. Takes about a fifth of a second.
    pub fn measure(threads: usize) -> Speed {
        let threads = threads.max(1);
        let source = vec![1.0_f32; COPIED];
        let mut target = vec![0.0_f32; COPIED];
        let part = COPIED.div_ceil(threads);
        let copied = best(5, || {
            rayon::scope(|scope| {
                let parts = source.chunks(part).zip(target.chunks_mut(part));
                for (from, to) in parts {
                    scope.spawn(|_| to.copy_from_slice(black_box(from)));
                }
            });
            black_box(&target);
        });
        Speed {
            flops: Speed::peak(threads),
            bandwidth: (COPIED * 8) as f64 / copied,
        }
    }

    /// Operations a second of loops of multiply-adds on that many threads of the current pool, a sum of products as two. Takes some
    /// hundredths of a second.
    pub fn peak(threads: usize) -> f64 {
        let turns = 2_000_000;
        let each = multiply_adds(1) * turns as f64;
        let seconds = best(5, || {
            rayon::scope(|scope| {
                for _ in 0..threads.max(1) {
                    scope.spawn(|_| {
                        multiply_adds(turns);
                    });
                }
            });
        });
        threads.max(1) as f64 * each / seconds
    }

    /// Seconds that work takes at best.
    pub fn least(&self, flops: f64, bytes: f64) -> f64 {
        (flops / self.flops).max(bytes / self.bandwidth)
    }
}

fn best(times: usize, mut work: impl FnMut()) -> f64 {
    let runs = (0..times).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    runs.fold(f64::INFINITY, f64::min).max(1e-9)
}

/// Independent sums: enough to hide the latency of two units.
const CHAINS: usize = 12;

/// A loop of fused multiply-adds on the widest vectors that the processor has; the operations that it did.
fn multiply_adds(turns: usize) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the instruction set was just detected.
        return unsafe { multiply_adds_avx512(turns) };
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the instruction set was just detected.
        return unsafe { multiply_adds_avx2(turns) };
    }
    chains::<8>(turns)
}

/// Written with intrinsics, since compilers choose narrower vectors on their own.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn multiply_adds_avx512(turns: usize) -> f64 {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    let factor = _mm512_set1_ps(black_box(0.999));
    let mut sums = [_mm512_set1_ps(black_box(1.0)); CHAINS];
    for _ in 0..turns {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(factor, factor, *sum);
        }
    }
    for sum in sums {
        black_box(_mm512_reduce_add_ps(sum));
    }
    (turns * CHAINS * 16 * 2) as f64
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn multiply_adds_avx2(turns: usize) -> f64 {
    chains::<8>(turns)
}

#[inline(always)]
fn chains<const LANES: usize>(turns: usize) -> f64 {
    let factor = [black_box(0.999_f32); LANES];
    let mut sums = [[black_box(1.0_f32); LANES]; CHAINS];
    for _ in 0..turns {
        for sum in &mut sums {
            for lane in 0..LANES {
                sum[lane] = factor[lane].mul_add(factor[lane], sum[lane]);
            }
        }
    }
    black_box(sums);
    (turns * CHAINS * LANES * 2) as f64
}

#[cfg(test)]
mod tests {
    use super::Speed;

    #[test]
    fn work_takes_as_long_as_its_slower_side() {
        let speed = Speed {
            flops: 100.0,
            bandwidth: 10.0,
        };
        assert_eq!(speed.least(100.0, 1.0), 1.0);
        assert_eq!(speed.least(100.0, 50.0), 5.0);
    }
}
