//! dlmc inside another program: `cargo run --release --example embed`.
//!
//! A host compiles a text, gives it data that lie in its own memory, trains until it has seen enough, asks the trained layer from a
//! buffer into a buffer, moves weights in and out, and shows a user what is wrong with a program.
use dlmc::base::tensor::{Elements, Tensor};
use dlmc::{
    Config, Control, Engine, Error, MemoryLoader, Model, ProgramOptions, Progress, Trainer,
};

const PROGRAM: &str = r#"
let points = csv("points")
layer classify(x: [n, 2]) -> [n, 2] {
    x |> dense(16) |> tanh |> dense(2)
}
let net = classify()
train net on points {
    loss      = cross_entropy
    optimizer = adam(lr = 0.02)
    epochs    = 200
    batch     = 32
    shuffle   = true
    seed      = 1
}
"#;

/// Points on a spiral of two arms; the class is the arm.
fn points() -> MemoryLoader {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for at in 0..256_i32 {
        let (turn, arm) = (at as f32 / 64.0, at % 2);
        let angle = turn + if arm == 0 { 0.0 } else { std::f32::consts::PI };
        x.extend([turn * angle.cos() / 4.0, turn * angle.sin() / 4.0]);
        y.push(arm);
    }
    let tensor = |shape: &[usize], elements| {
        Tensor::new(shape, elements).expect("as many elements as the shape says")
    };
    let fields = vec![
        ("x".to_string(), tensor(&[256, 2], Elements::F32(x))),
        ("y".to_string(), tensor(&[256], Elements::I32(y))),
    ];
    MemoryLoader::new().with_data("points", fields)
}

/// Trains until the loss of an epoch is below a bound; the epochs that it took, and the last loss.
fn train(trainer: &mut Trainer, enough: f64) -> Result<(usize, f64), Error> {
    let (mut epochs, mut last) = (0, f64::NAN);
    trainer.run(|progress| {
        if let Progress::Epoch(epoch) = progress {
            epochs += 1;
            last = epoch.values.first().map_or(f64::NAN, |(_, loss)| *loss);
            if last < enough {
                return Control::Stop;
            }
        }
        Control::Continue
    })?;
    Ok((epochs, last))
}

/// The class that the model finds likelier for a point.
fn class_of(model: &Model, point: [f32; 2]) -> Result<usize, Error> {
    let mut scores = [0.0; 2];
    model.predict(&point, &mut scores)?;
    Ok(usize::from(scores[1] > scores[0]))
}

/// What the host does; each line says what came of a step.
pub fn host() -> Result<Vec<String>, Error> {
    let mut said = Vec::new();
    let folder = std::env::temp_dir().join(format!("dlmc-embed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| Error::File(error.to_string()))?;
    let engine = Engine::new(Config::default())?;

    let program = engine.compile(PROGRAM, ProgramOptions::default(), points())?;
    for (path, ty) in program.parameters() {
        said.push(format!("parameter {path} is {ty}"));
    }

    let mut trainer = program.trainer()?;
    let (epochs, loss) = train(&mut trainer, 0.05)?;
    said.push(format!(
        "stopped after {epochs} epochs at a loss below 0.05: {}",
        loss < 0.05
    ));

    let model = trainer.model("net", &[1, 2])?;
    let classes = [
        class_of(&model, [0.3, 0.2])?,
        class_of(&model, [-0.3, -0.2])?,
    ];
    said.push(format!(
        "two points on opposite arms are of classes {classes:?}"
    ));

    let weights = folder.join("net.safetensors");
    trainer.save(&weights)?;
    let mut other = program.trainer()?;
    other.load(&weights)?;
    let same = other.value("net.dense_1.W")? == trainer.value("net.dense_1.W")?;
    said.push(format!("weights saved and loaded are the same: {same}"));

    other.set_parameter("net.dense_2.b", &[100.0, 0.0])?;
    let biased = other.model("net", &[1, 2])?;
    said.push(format!(
        "with a bias set by hand all is class {}",
        class_of(&biased, [-0.3, -0.2])?
    ));

    let wrong = PROGRAM.replace("dense(2)", "dense(3)");
    match engine.compile(&wrong, ProgramOptions::default(), points()) {
        Ok(_) => said.push("a wrong program was taken".into()),
        Err(error) => said.push(format!("a wrong program is refused:\n{error}")),
    }
    std::fs::remove_dir_all(&folder).map_err(|error| Error::File(error.to_string()))?;
    Ok(said)
}

#[allow(dead_code)]
fn main() -> Result<(), Error> {
    for line in host()? {
        println!("{line}");
    }
    Ok(())
}
