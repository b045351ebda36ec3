//! One engine under load: many threads that compile, train and predict at once, panics in what the host gives, memory of code.
mod support;

use dlmc::data::FileProvider;
use dlmc::{
    Config, Control, Engine, Error, MemoryLoader, OnNonFinite, Program, ProgramOptions, Progress,
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use support::deep;

/// Tests here measure the memory of the process, or fill its threads: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(units: usize) -> String {
    format!(
        "layer net(x: [n, d]) -> [n, 2] {{ x |> dense({units}) |> tanh |> dense(2) }}
let f = net()
let set = data(x = [[1, 0], [0, 1], [1, 1], [0, 0]], y = [1, 1, 0, 0])
train f on set {{
    loss = mse
    optimizer = adam(lr = 0.02)
    epochs = 5
    batch = 2
    shuffle = true
}}
print mean(f(set.x))
"
    )
    .replace("y = [1, 1, 0, 0]", "y = [[1, 0], [1, 0], [0, 1], [0, 1]]")
}

fn engine(threads: usize) -> Engine {
    let config = Config {
        threads,
        ..Config::default()
    };
    Engine::new(config).expect("threads")
}

fn compiled(engine: &Engine, units: usize) -> Program {
    let options = ProgramOptions::default();
    let program = engine.compile(&text(units), options, MemoryLoader::new());
    program.unwrap_or_else(|error| panic!("{error}"))
}

/// Trains, and gives what the model then predicts, as bits.
fn trained(program: &Program) -> Vec<u32> {
    let mut trainer = program.trainer().expect("starts");
    trainer
        .run(|_| Control::Continue)
        .unwrap_or_else(|error| panic!("{error}"));
    let model = trainer
        .model("f", &[3, 2])
        .unwrap_or_else(|error| panic!("{error}"));
    let mut out = [0.0; 6];
    let rows = [0.5, 1.0, -1.0, 0.25, 0.0, 2.0];
    model
        .predict(&rows, &mut out)
        .unwrap_or_else(|error| panic!("{error}"));
    out.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn sixteen_threads_share_an_engine() {
    let _alone = alone();
    let engine = engine(3);
    let expected: Vec<Vec<u32>> = (0..4)
        .map(|at| trained(&compiled(&engine, 3 + at)))
        .collect();
    let rounds = if deep() { 60 } else { 3 };
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let (engine, expected) = (&engine, &expected);
            scope.spawn(move || {
                for round in 0..rounds {
                    let at = (thread + round) % 4;
                    assert_eq!(trained(&compiled(engine, 3 + at)), expected[at]);
                }
            });
        }
    });
}

#[test]
fn a_callback_that_panics_is_an_error_and_the_engine_goes_on() {
    let _alone = alone();
    let engine = engine(2);
    let program = compiled(&engine, 4);
    let expected = trained(&program);
    let mut trainer = program.trainer().expect("starts");
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut steps = 0;
    let result = trainer.run(|progress| {
        steps += usize::from(matches!(progress, Progress::Step { .. }));
        assert!(steps < 4, "the host's own fault");
        Control::Continue
    });
    std::panic::set_hook(hook);
    match result {
        Err(Error::Internal(why)) => assert!(why.contains("the host's own fault"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(trained(&program), expected, "the same program");
    assert_eq!(trained(&compiled(&engine, 4)), expected, "the same engine");
}

/// Bytes of this process in memory.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = text
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("it says so");
    let kilobytes = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse::<usize>().ok());
    kilobytes.expect("a number") * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn memory_of_code_is_freed() {
    let _alone = alone();
    let engine = engine(2);
    // What is allocated once is there after some rounds.
    (0..10).for_each(|at| drop(compiled(&engine, 2 + at % 5)));
    let before = resident();
    for at in 0..if deep() { 1000 } else { 100 } {
        drop(compiled(&engine, 2 + at % 5));
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 20 << 20, "{grown} bytes more");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_never_writable_and_executable() {
    let _alone = alone();
    let engine = engine(2);
    let program = compiled(&engine, 7);
    let before = trained(&program);
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let permissions = |line: &str| line.split_whitespace().nth(1).unwrap_or("").to_string();
    let both: Vec<&str> = maps
        .lines()
        .filter(|line| permissions(line).contains('w') && permissions(line).contains('x'))
        .collect();
    assert!(both.is_empty(), "{both:?}");
    // Code without a file behind it: that of the model.
    let own = maps
        .lines()
        .filter(|line| permissions(line).contains('x') && line.split_whitespace().count() == 5);
    assert!(
        own.count() > 0,
        "the model's code is in memory of its own\n{maps}"
    );
    assert_eq!(trained(&program), before);
}

/// A run of many steps holds no more memory at its end than after its first ones.
#[cfg(target_os = "linux")]
#[test]
fn a_long_run_does_not_grow() {
    let _alone = alone();
    let engine = engine(2);
    let millions = if deep() { 5.0 } else { 0.02 };
    let text = format!(
        "layer net(x: [n, d]) -> [n, 1] {{ x |> dense(4) |> tanh |> dropout(0.1) |> dense(1) }}
let f = net()
let set = data(x = [[1, 0], [0, 1], [1, 1], [0, 0]], y = [[1], [1], [0], [0]])
train f on set {{
    loss = mse
    optimizer = adam(lr = 0.001)
    epochs = {}
    batch = 2
    shuffle = true
    validate = set
}}
",
        (millions * 5e5) as usize
    );
    let options = ProgramOptions {
        on_nonfinite: OnNonFinite::Stop,
        ..ProgramOptions::default()
    };
    let program = engine.compile(&text, options, FileProvider::new());
    let program = program.unwrap_or_else(|error| panic!("{error}"));
    let mut trainer = program.trainer().expect("starts");
    let (mut steps, mut before) = (0u64, 0);
    let listen = |progress: &Progress| {
        steps += u64::from(matches!(progress, Progress::Step { .. }));
        if steps == 2000 && before == 0 {
            before = resident();
        }
        Control::Continue
    };
    trainer
        .run(listen)
        .unwrap_or_else(|error| panic!("{error}"));
    let grown = resident().saturating_sub(before);
    assert!(before > 0 && steps as f64 >= millions * 1e6, "{steps}");
    assert!(grown < 2 << 20, "{grown} bytes more after {steps} steps");
}
