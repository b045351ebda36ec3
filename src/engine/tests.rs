//! A host's view, end to end.
use super::*;
use crate::base::tensor::{Elements, Tensor};

fn sendable<T: Send>() {}
fn shareable<T: Send + Sync>() {}

#[test]
fn handles_may_cross_threads() {
    shareable::<Engine>();
    shareable::<Program>();
    shareable::<Model>();
    sendable::<Trainer>();
    shareable::<Error>();
}

#[test]
fn a_panic_becomes_an_error() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = guarded::<()>(|| panic!("{}", "inner fault"));
    std::panic::set_hook(hook);
    assert_eq!(result, Err(Error::Internal("inner fault".into())));
}

/// A loader that panics is the host's fault, and neither ends the host nor spoils the engine.
#[test]
fn a_loader_that_panics_is_an_error_and_the_engine_goes_on() {
    struct Broken;
    impl Loader for Broken {
        fn open(
            &mut self,
            _: &crate::base::data::DataSpec,
        ) -> Result<Arc<crate::base::data::DataSet>, DataError> {
            panic!("the host's own fault")
        }
        fn source(&mut self, _: &str, _: &str) -> Result<(String, String), DataError> {
            panic!("the host's own fault")
        }
    }
    let engine = Engine::new(Config {
        threads: 1,
        ..Config::default()
    });
    let engine = engine.expect("one thread");
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let wrong = [
        "let d = csv(\"a.csv\")\nprint d\n",
        "import \"a.dlm\"\nprint 1\n",
    ]
    .map(|text| {
        let compiled = engine.compile(text, ProgramOptions::default(), Broken);
        compiled.err()
    });
    std::panic::set_hook(hook);
    for error in wrong {
        assert_eq!(error, Some(Error::Internal("the host's own fault".into())));
    }
    let right = engine.compile("print 1\n", ProgramOptions::default(), MemoryLoader::new());
    assert!(right.is_ok());
}

#[test]
fn a_wrong_program_gives_every_message_with_its_place() {
    let engine = Engine::new(Config {
        threads: 1,
        folder: None,
        ..Config::default()
    });
    let engine = engine.expect("one thread");
    let error = engine
        .compile(
            "let a = (1 +",
            ProgramOptions::default(),
            MemoryLoader::new(),
        )
        .err()
        .expect("it ends early");
    assert!(error.to_string().contains("program.dlm:1:"), "{error}");
}

const REGRESSION: &str = "
let set = csv(\"points\")
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let f = linear()
train f on set {
    loss = mse
    optimizer = sgd(lr = 0.05)
    epochs = 40
    batch = 2
    shuffle = true
    seed = 3
}
print \"done\"
";

/// `y = 2 x0 - x1`
fn points() -> MemoryLoader {
    let x = vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0, 0.5];
    let y = vec![2.0, -1.0, 1.0, -2.5];
    let tensor = |shape: &[usize], elements| {
        Tensor::new(shape, Elements::F32(elements)).expect("as many elements as the shape says")
    };
    let fields = vec![
        ("x".into(), tensor(&[4, 2], x)),
        ("y".into(), tensor(&[4], y)),
    ];
    MemoryLoader::new().with_data("points", fields)
}

fn regression(threads: usize) -> Program {
    let engine = Engine::new(Config {
        threads,
        folder: None,
        ..Config::default()
    });
    let options = ProgramOptions::default();
    let compiled = engine
        .expect("threads")
        .compile(REGRESSION, options, points());
    compiled.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_layer_of_tokens_predicts_from_tokens() {
    let source = "layer tagger(x: i32[n, t]) -> [n, t, 2] { x |> embedding(5, 3) |> dense(2) }\nlet f = tagger()\nprint sum(f([[0, 1, 4]]))\n";
    let engine = Engine::new(Config::default()).expect("threads");
    let program = engine.compile(source, ProgramOptions::default(), MemoryLoader::new());
    let mut trainer = program
        .unwrap_or_else(|error| panic!("{error}"))
        .trainer()
        .expect("starts");
    trainer.run(|_| Control::Continue).expect("runs");
    let model = trainer
        .model("f", &[2, 2])
        .unwrap_or_else(|error| panic!("{error}"));
    let (mut same, mut other) = ([0.0; 8], [0.0; 8]);
    model
        .predict_tokens(&[3, 0, 3, 1], &mut same)
        .expect("predicts");
    model
        .predict_tokens(&[0, 0, 1, 3], &mut other)
        .expect("predicts");
    assert_eq!(same[0..2], other[6..8], "each token has its own scores");
    assert_ne!(same[0..2], other[0..2]);
    let beyond = model.predict_tokens(&[0, 0, 5, 0], &mut same);
    assert!(beyond.expect_err("no such token").to_string().contains("5"));
    let floats = model.predict(&[0.0; 4], &mut same);
    assert!(
        floats
            .expect_err("tokens are wanted")
            .to_string()
            .contains("predict_tokens")
    );
}

#[test]
fn a_host_trains_and_predicts() {
    let program = regression(2);
    let mut trainer = program.trainer().expect("starts");
    let (mut epochs, mut output) = (0, Vec::new());
    trainer
        .run(|progress| {
            match progress {
                Progress::Line(line) => output.push(line.clone()),
                Progress::Epoch(_) => epochs += 1,
                Progress::Step { .. } | Progress::Warning { .. } => {}
            }
            Control::Continue
        })
        .expect("runs");
    assert_eq!((epochs, output), (40, vec!["done".to_string()]));
    let model = trainer
        .model("f", &[3, 2])
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (model.input_shape(), model.output_shape()),
        (&[3, 2][..], &[3][..])
    );
    std::thread::scope(|scope| {
        for shift in 0..4 {
            let model = &model;
            scope.spawn(move || {
                let shift = shift as f32;
                let mut found = [0.0; 3];
                let input = [shift, 0.0, 0.0, 1.0, 1.0, shift];
                model.predict(&input, &mut found).expect("predicts");
                for (found, exact) in found.iter().zip([2.0 * shift, -1.0, 2.0 - shift]) {
                    assert!((found - exact).abs() < 0.1, "{found} {exact}");
                }
            });
        }
    });
    let short = model.predict(&[0.0; 5], &mut [0.0; 3]);
    assert!(
        short
            .expect_err("too few")
            .to_string()
            .contains("f32[3, 2]")
    );
    let unknown = trainer.model("g", &[3, 2]).err().expect("no such layer");
    assert!(matches!(unknown, Error::Program { .. }), "{unknown}");
}

#[test]
fn a_stopped_and_restored_run_ends_in_the_same_bits() {
    let program = regression(1);
    let mut whole = program.trainer().expect("starts");
    whole.run(|_| Control::Continue).expect("runs");
    let mut first = program.trainer().expect("starts");
    let mut epochs = 0;
    first
        .run(|progress| {
            epochs += usize::from(matches!(progress, Progress::Epoch(_)));
            if epochs == 7 {
                Control::Stop
            } else {
                Control::Continue
            }
        })
        .expect("runs");
    assert!(!first.is_finished());
    let mut second = regression(2).trainer().expect("starts");
    second.restore(&first.snapshot()).expect("the same program");
    second.run(|_| Control::Continue).expect("runs");
    assert_eq!(second.value("f.theta"), whole.value("f.theta"));
}

#[test]
fn parameters_are_read_and_set_by_path() {
    let program = regression(1);
    let parameters = program.parameters();
    assert_eq!(parameters.len(), 1);
    assert_eq!(parameters[0].0, "f.theta");
    let mut trainer = program.trainer().expect("starts");
    trainer
        .set_parameter("f.theta", &[1.5, 2.5])
        .expect("two elements");
    assert_eq!(
        trainer.value("f.theta").expect("known").to_f64(),
        [1.5, 2.5]
    );
    let error = trainer
        .set_parameter("f.theta", &[1.0])
        .expect_err("one is missing");
    assert!(error.to_string().contains("2 elements"), "{error}");
    let rows = trainer.value("x").expect("the whole field").to_f64();
    let rows: Vec<f32> = rows.iter().map(|&x| x as f32).collect();
    let error = trainer
        .set_parameter("x", &rows)
        .expect_err("data are only read");
    assert!(error.to_string().contains("only read"), "{error}");
    let error = trainer.value("f.thetta").expect_err("misspelt");
    assert!(
        error.to_string().contains("did you mean `f.theta`"),
        "{error}"
    );
    let file = std::env::temp_dir().join(format!("dlmc-engine-{}.safetensors", std::process::id()));
    trainer.save(&file).expect("saved");
    trainer
        .set_parameter("f.theta", &[0.0, 0.0])
        .expect("two elements");
    trainer.load(&file).expect("loaded");
    std::fs::remove_file(&file).expect("the test's own file");
    assert_eq!(
        trainer.value("f.theta").expect("known").to_f64(),
        [1.5, 2.5]
    );
}

#[test]
fn a_missing_data_set_names_the_nearest() {
    let engine = Engine::new(Config::default()).expect("threads");
    let loader = MemoryLoader::new().with_data("point", Vec::new());
    let error = engine.compile(REGRESSION, ProgramOptions::default(), loader);
    let error = error.err().expect("no such data");
    assert!(
        error.to_string().contains("did you mean \"point\""),
        "{error}"
    );
}

/// A regression whose rate the host sets, and its trainer.
fn exploding(on_nonfinite: OnNonFinite) -> Trainer {
    let engine = Engine::new(Config {
        threads: 1,
        folder: None,
        ..Config::default()
    });
    let text = "
let x = [[1, 2], [2, 3], [3, 4]]
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let f = linear()
repeat 200 { minimize mse(f(x), 1) with sgd(lr = 1.0) }
print \"done\"
";
    let options = ProgramOptions {
        on_nonfinite,
        ..ProgramOptions::default()
    };
    let program = engine
        .expect("one thread")
        .compile(text, options, MemoryLoader::new());
    program.expect("compiles").trainer().expect("starts")
}

#[test]
fn a_run_stops_before_the_step_that_overflows_and_can_go_on() {
    let mut trainer = exploding(OnNonFinite::default());
    let error = trainer
        .run(|_| Control::Continue)
        .expect_err("it overflows");
    let Error::NonFinite {
        name, place, text, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(name, "loss");
    assert!(
        place.starts_with("turn ") && place.ends_with(" of 200"),
        "{place}"
    );
    assert!(
        text.contains("overflows") || text.contains("(pred - target) ^ 2"),
        "{text}"
    );
    let theta = trainer.value("f.theta").expect("a parameter");
    assert!(theta.to_f64().iter().all(|x| x.is_finite()), "{theta:?}");
    // The same again, then on from a better point: it goes wrong later.
    assert_eq!(trainer.run(|_| Control::Continue), Err(error.clone()));
    trainer.set_parameter("f.theta", &[0.0, 0.0]).expect("fits");
    let later = trainer
        .run(|_| Control::Continue)
        .expect_err("it overflows");
    assert!(
        matches!(&later, Error::NonFinite { .. }) && later != error,
        "{later}"
    );
    trainer
        .set_parameter("f.theta", &[f32::NAN, 0.0])
        .expect("fits");
    let outside = trainer.run(|_| Control::Continue).expect_err("it is NaN");
    assert!(
        outside.to_string().contains("`f.theta` is not finite"),
        "{outside}"
    );
}

#[test]
fn a_host_may_be_warned_or_left_alone() {
    for (policy, warnings) in [(OnNonFinite::Warn, 1), (OnNonFinite::Ignore, 0)] {
        let (mut said, mut lines) = (0, 0);
        let result = exploding(policy).run(|progress| {
            match progress {
                Progress::Warning { text, .. } => {
                    assert!(text.starts_with("warning[E0605]"), "{text}");
                    said += 1;
                }
                Progress::Line(_) => lines += 1,
                Progress::Step { .. } | Progress::Epoch(_) => {}
            }
            Control::Continue
        });
        assert_eq!((result, said, lines), (Ok(()), warnings, 1));
    }
}
