//! Small programs of kinds that the examples do not have: each is run as a user runs it, and what it prints is held to a bound.
use std::process::Command;

/// What the program prints after `word`, as a number.
fn figure(program: &str, word: &str) -> f64 {
    let path = format!(
        "{}/tests/programs/{program}.dlm",
        env!("CARGO_MANIFEST_DIR")
    );
    let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .arg("run")
        .arg(&path)
        .output()
        .expect("starts");
    let (out, errors) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert!(run.status.success(), "{program}: {errors}");
    let mut words = out.split_whitespace();
    words
        .find(|found| *found == word)
        .unwrap_or_else(|| panic!("{program} prints no {word}: {out}"));
    let number = words
        .next()
        .expect("a number follows")
        .trim_end_matches(',');
    number.parse().expect("a number")
}

/// The boundary is where the same descent, written out apart in f64, ends on the same objective.
#[test]
fn logistic_regression_by_hand() {
    let boundary = figure("logistic_by_hand", "boundary");
    assert!((boundary - 2.4146).abs() < 0.02, "{boundary}");
    assert_eq!(figure("logistic_by_hand", "accuracy"), 1.0);
}

/// A constant prediction has an error of 1/12 on |t|.
#[test]
fn a_mixture_of_experts_fits_the_absolute_value() {
    let error = figure("mixture_of_experts", "error");
    assert!(error < 0.005, "{error}");
}

#[test]
fn a_siamese_pair_tells_like_from_unlike() {
    assert_eq!(figure("siamese", "right"), 1.0);
    // Only shared weights put a point at no distance from itself.
    assert_eq!(figure("siamese", "apart"), 0.0);
}

/// Guessing is right half of the time; one direction alone does not see the step after.
#[test]
fn a_bidirectional_tagger_sees_both_sides() {
    let accuracy = figure("bidirectional_tagger", "accuracy");
    assert!(accuracy > 0.85, "{accuracy}");
}

/// Guessing is right a fifth of the time; the order is turned round by attention alone.
#[test]
fn attention_reverses_a_sequence() {
    let accuracy = figure("reversal", "accuracy");
    assert!(accuracy > 0.97, "{accuracy}");
}
