//! What is spoilt of the saved state of a run. Shared by the tests and a fuzzing target.
use dlmc::{Config, Control, Engine, Error, MemoryLoader, ProgramOptions, Trainer};

/// Batches in random order, a loop of steps, and positions in a tensor that are kept between steps.
const PROGRAM: &str = "
layer net(x: [n, d]) -> [n, 1] { x |> dense(3) |> tanh |> dropout(0.2) |> dense(1) }
let f = net()
let set = data(x = [[1, 0], [0, 1], [1, 1], [0, 0]], y = [[1], [1], [0], [0]]) |> split(train = 0.5, seed = 1)
train f on set.train {
    loss = mse
    optimizer = adam(lr = 0.02)
    epochs = 2
    batch = 1
    shuffle = true
    validate = set.test
    stop = no_improvement(epochs = 3)
}
repeat 3 {
    minimize mean(f(normal[2, 2])) with momentum(lr = 0.01, mu = 0.9)
}
print mean(f(set.test.x))
";

/// A run of the program, stopped in the middle of an epoch, and its state there.
pub fn stopped() -> (Trainer, Vec<u8>) {
    let config = Config {
        threads: 1,
        ..Config::default()
    };
    let engine = Engine::new(config).expect("threads");
    let program = engine.compile(PROGRAM, ProgramOptions::default(), MemoryLoader::new());
    let mut trainer = program.expect("it is sound").trainer().expect("it starts");
    trainer.run(|_| Control::Stop).expect("it runs");
    let state = trainer.snapshot();
    (trainer, state)
}

/// Takes a run to a state in which numbers have been replaced, ten bytes of `changes` for each: its place, and the number.
/// The run may refuse it or go on, also to an error of its program.
///
/// # Panics
/// Where the run panics.
pub fn go_on_from(trainer: &mut Trainer, state: &[u8], changes: &[u8]) {
    let mut state = state.to_vec();
    let (changes, rest) = changes.as_chunks::<10>();
    for [low, high, number @ ..] in changes {
        let place = usize::from(u16::from_le_bytes([*low, *high])) % (state.len() / 8);
        state[8 * place..8 * place + 8].copy_from_slice(number);
    }
    // What is left over cuts the end off.
    state.truncate(state.len() - rest.len());
    let mut events = 0;
    let went = trainer.restore(&state).and_then(|()| {
        trainer.run(|_| {
            events += 1;
            if events < 20 {
                Control::Continue
            } else {
                Control::Stop
            }
        })
    });
    match went {
        Ok(()) | Err(Error::Run { .. } | Error::NonFinite { .. }) => {}
        Err(other) => panic!("{other:?}"),
    }
}
