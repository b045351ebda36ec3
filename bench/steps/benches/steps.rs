//! Wall time of a training step and of compiling: `cargo bench --manifest-path bench/steps/Cargo.toml [-- NAME]`.
//!
//! Criterion keeps the last run in `bench/steps/target/criterion` and says whether a difference to it is more than noise.
use criterion::{Criterion, criterion_group, criterion_main};
use dlmc::session::Pool;
use dlmc_steps::{PROGRAMS, compile, ready, run, source};
use std::time::Duration;

fn steps(criterion: &mut Criterion) {
    let pool = Pool::new(1).expect("a thread");
    for name in PROGRAMS {
        let mut machine = ready(name, &pool).expect("a machine");
        pool.run(|| run(&mut machine, 10)).expect("runs");
        criterion.bench_function(&format!("step/{name}"), |bencher| {
            bencher.iter_custom(|steps| pool.run(|| run(&mut machine, steps)).expect("runs"));
        });
    }
}

fn compiling(criterion: &mut Criterion) {
    let pool = Pool::new(1).expect("a thread");
    for name in PROGRAMS {
        let source = source(name).expect("can be read");
        criterion.bench_function(&format!("compile/{name}"), |bencher| {
            bencher.iter(|| compile(&source, &pool).expect("compiled"));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = steps, compiling
}
criterion_main!(benches);
