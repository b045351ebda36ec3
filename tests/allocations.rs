//! A training step allocates nothing: batches, graphs, the plan's instructions, shared or not.
use dlmc::base::source::Sources;
use dlmc::data::FileProvider;
use dlmc::session::{Pool, Settings, Source, checked, compiled, machine};
use dlmc::train::{Event, Machine, OnNonFinite};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const DIGITS: &str =
    r#"let data = csv("data/digits.csv") |> target("digit", classes = true) |> scale(0.0625)"#;

/// Programs whose steps differ in kind: products, convolutions, a loop over time, attention.
fn programs() -> Vec<(&'static str, String)> {
    let train = |model: &str, optimizer: &str| {
        format!(
            "{DIGITS}\n{model}\nlet net = model()\ntrain net on data {{\n    loss = cross_entropy\n    optimizer = {optimizer}\n    epochs = 1\n    batch = 128\n    seed = 1\n}}\n"
        )
    };
    vec![
        (
            "perceptron",
            train(
                "layer model(x: [n, 64]) -> [n, 10] { x |> dense(256) |> relu |> dropout(0.1) |> dense(10) }",
                "adamw(lr = 0.001)",
            ),
        ),
        (
            "convolution",
            train(
                "layer model(x: [n, 64]) -> [n, 10] { reshape(x, [n, 1, 8, 8]) |> conv2d(8, kernel = 3, padding = 1) |> batch_norm() |> relu |> max_pool(2) |> flatten |> dense(10) }",
                "momentum(lr = 0.01)",
            ),
        ),
        (
            "recurrence",
            train(
                "layer model(x: [n, 64]) -> [n, 10] { reshape(x, [n, 8, 8]) |> lstm(64) |> mean_over_time |> dense(10) }",
                "sgd(lr = 0.1)",
            ),
        ),
        (
            "attention",
            train(
                "layer model(x: [n, 64]) -> [n, 10] { reshape(x, [n, 8, 8]) |> multi_head_attention(2, causal = true) |> mean_over_time |> dense(10) }",
                "adam(lr = 0.001)",
            ),
        ),
    ]
}

fn machine_of(text: &str, threads: usize) -> (Machine, Pool) {
    let base_dir = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
    let source = Source {
        name: "test.dlm".into(),
        text: text.into(),
        base_dir,
    };
    let settings = Settings {
        threads,
        ..Settings::default()
    };
    let mut sources = Sources::default();
    let checked = checked(&source, &mut sources, &mut FileProvider::new(), &settings);
    let program = checked
        .program
        .unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    let pool = Pool::new(threads).expect("threads");
    let compiled = compiled(&program, &settings, &pool).expect("compiled");
    let resolve = Arc::new(|path: &str| Ok(PathBuf::from(path)));
    let machine = machine(program, Arc::new(compiled), resolve).expect("a machine");
    (machine, pool)
}

#[test]
fn a_step_allocates_nothing() {
    for (name, text) in programs() {
        for (threads, turns, least) in [(1, 1, 8), (2, 1, 8), (1, 2, 2)] {
            let (mut machine, pool) = machine_of(&text, threads);
            machine.limit_turns(turns);
            // Also where losses and parameters are watched, within the first second.
            machine.on_nonfinite(OnNonFinite::Stop);
            let counts = pool.run(|| {
                let mut counts = Vec::with_capacity(64);
                let mut steps = 0;
                let mut before = ALLOCATIONS.load(Ordering::Relaxed);
                loop {
                    match machine.step().expect("runs") {
                        Event::StepsDone { .. } => {
                            let now = ALLOCATIONS.load(Ordering::Relaxed);
                            // The first steps fill what is kept: lists of pointers, the queues of the pool.
                            if steps >= 3 {
                                counts.push(now - before);
                            }
                            steps += 1;
                            before = ALLOCATIONS.load(Ordering::Relaxed);
                        }
                        Event::Finished | Event::EpochEnd(_) => break counts,
                        Event::None
                        | Event::Line(_)
                        | Event::Warning(_)
                        | Event::EpochBegin { .. } => {}
                    }
                }
            });
            // The last, smaller batch has a graph of its own, which runs here for the first time.
            let whole = &counts[..counts.len() - 1];
            assert!(whole.len() >= least, "{name}: {} steps", counts.len());
            assert!(
                whole.iter().all(|&count| count == 0),
                "{name} on {threads} threads allocates: {counts:?}"
            );
        }
    }
}
