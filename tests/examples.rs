//! Every example runs, and prints the figure that it promises.
use std::process::Command;

/// Runs an example and gives what it printed.
fn output(name: &str) -> String {
    let path = format!("{}/examples/{name}.dlm", env!("CARGO_MANIFEST_DIR"));
    let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", &path])
        .output()
        .expect("the program starts");
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{name}: {errors}");
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// The last number of the output.
fn figure(text: &str) -> f64 {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == 'e'))
        .filter_map(|word| word.parse().ok())
        .next_back()
        .expect("a number is printed")
}

fn at_least(name: &str, least: f64) {
    let found = figure(&output(name));
    assert!(found >= least, "{name}: {found} is below {least}");
}

fn at_most(name: &str, most: f64) {
    let found = figure(&output(name));
    assert!(found <= most, "{name}: {found} is above {most}");
}

#[test]
fn linear_regression_finds_theta() {
    let text = output("linear_regression");
    let theta: Vec<f64> = text
        .split(['[', ']'])
        .nth(1)
        .expect("theta is printed")
        .split(", ")
        .map(|number| number.parse().expect("a number"))
        .collect();
    // The values of gradient descent in double precision.
    for (found, expected) in theta.iter().zip([0.263_593_0, 0.803_878_8]) {
        assert!((found - expected).abs() < 1e-6, "{text}");
    }
}

#[test]
fn iris_is_classified() {
    at_least("iris", 0.93);
}

#[test]
fn breast_cancer_is_classified() {
    at_least("breast_cancer", 0.94);
}

#[test]
fn digits_are_read_by_a_perceptron() {
    at_least("digits_mlp", 0.95);
}

#[test]
fn digits_are_read_by_lenet() {
    at_least("lenet", 0.94);
}

#[test]
fn speakers_are_told_apart() {
    at_least("rnn", 0.92);
}

#[test]
fn wine_is_classified_by_an_optimizer_of_ones_own() {
    at_least("own_optimizer", 0.94);
}

#[test]
fn the_autoencoder_reconstructs() {
    at_most("autoencoder", 0.025);
}

#[test]
fn the_formula_equals_the_layer() {
    at_most("formula_conv", 0.0);
}

#[test]
fn two_models_learn_against_each_other() {
    let radius = figure(&output("gan"));
    assert!((0.1..2.0).contains(&radius), "{radius}");
}

#[test]
fn texts_are_written() {
    for name in ["char_lstm", "char_gpt"] {
        let text = output(name);
        assert!(text.chars().count() >= 200, "{name}: {text}");
    }
}
