//! The same steps from the same weights as PyTorch (`tests/references/README.md` says which version and how): losses and final weights
//! agree, and every number of threads gives the same bits.
use dlmc::base::tensor::Tensor;
use dlmc::data::safetensors::load;
use std::path::{Path, PathBuf};
use std::process::Command;

fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references")
}

/// The model's program with a loop over its five batches, `rounds` times, that saves the weights.
fn program(name: &str, optimizer: &str, rounds: usize, weights: &Path) -> String {
    let folder = references();
    let source =
        std::fs::read_to_string(folder.join(format!("{name}.dlm"))).expect("the model is there");
    let source = source.replace('"', "\u{1}").replace(
        &format!("\u{1}{name}_"),
        &format!("\"{}/{name}_", folder.display()),
    );
    let mut text = source.replace('\u{1}', "\"");
    text += &format!("\nlet opt = {optimizer}\nrepeat {rounds} {{\n");
    for batch in 0..5 {
        text += &format!(
            "    let loss = minimize cross_entropy(net(data.x{batch}), data.y{batch}) with opt\n    print \"{{loss:.9e}}\"\n"
        );
    }
    text + &format!("}}\nsave net to \"{}\"\n", weights.display())
}

/// Runs a program; gives its losses and the weights it saved.
fn train(
    name: &str,
    optimizer: &str,
    steps: usize,
    threads: usize,
) -> (Vec<f64>, Vec<(String, Tensor)>) {
    let key: String = format!("{name}_{optimizer}_{threads}")
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let folder = std::env::temp_dir().join(format!("dlmc-references-{}-{key}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let weights = folder.join("weights.safetensors");
    let source = folder.join("program.dlm");
    std::fs::write(&source, program(name, optimizer, steps / 5, &weights)).expect("written");
    let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", "--threads", &threads.to_string()])
        .arg(&source)
        .output()
        .expect("the program starts");
    assert!(
        run.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
    let losses = String::from_utf8_lossy(&run.stdout)
        .lines()
        .map(|line| line.parse().expect("a loss"))
        .collect();
    let found = load(&weights).expect("saved");
    std::fs::remove_dir_all(&folder).ok();
    (losses, found)
}

fn check(name: &str, reference: &str, optimizer: &str, steps: usize) {
    let expected = load(&references().join(format!("{name}_{reference}.safetensors")))
        .expect("the reference is there");
    let (losses, weights) = train(name, optimizer, steps, 1);
    for (name_of, tensor) in &expected {
        // A bias of the keys shifts all scores of a row alike: its gradient is 0, and rounding noise stands in its place.
        if name_of.ends_with(".b_k") {
            continue;
        }
        let wanted = tensor.to_f64();
        let found = match name_of.as_str() {
            "losses" => losses.clone(),
            _ => {
                let found = weights.iter().find(|(path, _)| path == name_of);
                found
                    .unwrap_or_else(|| panic!("{name}: no {name_of}"))
                    .1
                    .to_f64()
            }
        };
        assert_eq!(found.len(), wanted.len(), "{name} {reference} {name_of}");
        let scale = wanted.iter().fold(1e-2f64, |scale, x| scale.max(x.abs()));
        for (at, (a, b)) in found.iter().zip(&wanted).enumerate() {
            assert!(
                (a - b).abs() <= 1e-4 * scale,
                "{name} {reference} {name_of}[{at}]: {a} against {b}"
            );
        }
    }
    for threads in [2, 3, 8] {
        let other = train(name, optimizer, steps, threads);
        assert!(
            other == (losses.clone(), weights.clone()),
            "{name} {reference}: other bits with {threads} threads"
        );
    }
}

#[test]
fn perceptron() {
    check("mlp", "sgd", "sgd(lr = 0.1)", 25);
    check("mlp", "momentum", "momentum(lr = 0.05, mu = 0.9)", 25);
    check("mlp", "adam", "adam(lr = 0.001)", 25);
}

#[test]
fn optimizers() {
    check("mlp", "sgd_decay", "sgd(lr = 0.1, weight_decay = 0.05)", 10);
    check(
        "mlp",
        "momentum_decay",
        "momentum(lr = 0.05, mu = 0.9, weight_decay = 0.05)",
        10,
    );
    check("mlp", "nesterov", "nesterov(lr = 0.05, mu = 0.9)", 10);
    check(
        "mlp",
        "nesterov_decay",
        "nesterov(lr = 0.05, mu = 0.9, weight_decay = 0.05)",
        10,
    );
    check(
        "mlp",
        "adam_decay",
        "adam(lr = 0.01, weight_decay = 0.05)",
        10,
    );
    check("mlp", "adamw", "adamw(lr = 0.01, weight_decay = 0.05)", 10);
    check("mlp", "rmsprop", "rmsprop(lr = 0.005)", 10);
    check(
        "mlp",
        "rmsprop_decay",
        "rmsprop(lr = 0.005, weight_decay = 0.05)",
        10,
    );
    check("mlp", "adagrad", "adagrad(lr = 0.05)", 10);
    check(
        "mlp",
        "adagrad_decay",
        "adagrad(lr = 0.05, weight_decay = 0.05)",
        10,
    );
}

#[test]
fn convolutional_network() {
    check("cnn", "sgd", "sgd(lr = 0.1)", 25);
    check("cnn", "momentum", "momentum(lr = 0.05, mu = 0.9)", 25);
    check("cnn", "adam", "adam(lr = 0.001)", 25);
}

#[test]
fn batch_normalisation() {
    check("batch_norm", "sgd", "sgd(lr = 0.1)", 25);
}

#[test]
fn recurrent_networks() {
    check("rnn", "sgd", "sgd(lr = 0.1)", 25);
    check("gru", "sgd", "sgd(lr = 0.1)", 25);
    check("lstm", "sgd", "sgd(lr = 0.1)", 25);
    check("lstm", "momentum", "momentum(lr = 0.05, mu = 0.9)", 25);
    check("lstm", "adam", "adam(lr = 0.001)", 25);
}

#[test]
fn transformer() {
    check("transformer", "sgd", "sgd(lr = 0.1)", 10);
    check(
        "transformer",
        "adamw",
        "adamw(lr = 0.01, weight_decay = 0.01)",
        10,
    );
}
