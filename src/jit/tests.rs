mod forms;
mod random;
mod reference;
mod tiles;

use super::{CompiledKernel, Options, compile};
use crate::base::types::DType;
use crate::kir::{Kernel, STATUS_FINE, Status};
use reference::Buffers;
use std::sync::atomic::Ordering;

/// Runs a kernel over ranges, one after the other.
fn run(kernel: &CompiledKernel, buffers: &mut Buffers, cuts: &[usize]) -> u64 {
    let status = Status::new(STATUS_FINE);
    let pointers = buffers.pointers();
    for pair in cuts.windows(2) {
        // SAFETY: the buffers are as long as the kernel's accesses reach (checked by `verify_with_lengths`).
        unsafe { kernel.run(&pointers, pair[0]..pair[1], &status) };
    }
    status.load(Ordering::Relaxed)
}

/// Compares native code with the reference, over the whole range and over uneven pieces of it.
fn check(kernel: &Kernel, buffers: &Buffers) {
    check_with(kernel, buffers, Options::default());
}

fn check_with(kernel: &Kernel, buffers: &Buffers, options: Options) {
    crate::kir::verify::verify_with_lengths(kernel, &buffers.lengths()).expect("a sound kernel");
    let compiled = compile(std::slice::from_ref(kernel), options).expect("a kernel that compiles");
    let count: usize = kernel.nests[0].free[..kernel.outer].iter().product();
    let mut expected = buffers.clone();
    let status = reference::run(kernel, &mut expected, options.baseline);
    let mut cuts = vec![vec![0, count]];
    cuts.push(vec![0, count / 3, count / 3, count * 2 / 3, count]);
    cuts.push((0..=count.min(7)).chain([count.max(7)]).collect());
    for cuts in cuts {
        if cuts.last() != Some(&count) {
            continue;
        }
        let mut found = buffers.clone();
        let found_status = run(&compiled.kernels[0], &mut found, &cuts);
        if let Some(difference) = expected.difference(&found) {
            panic!("{kernel}cut at {cuts:?}: {difference}");
        }
        assert_eq!(found_status, status, "{kernel}");
    }
}

fn dtypes() -> [DType; 3] {
    [DType::F32, DType::F64, DType::I32]
}
