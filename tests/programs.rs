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

/// The prices are a formula of all four columns, with a deviation of 164 and noise of 8; some cells are missing.
#[test]
fn a_table_with_gaps_and_words_is_explained() {
    let explained = figure("table_with_gaps", "explained");
    assert!(explained > 0.9, "{explained}");
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

/// The same mean for every digit has the error that is printed as `constant`.
#[test]
fn a_variational_autoencoder_rebuilds_digits() {
    let (error, constant) = (figure("vae", "error"), figure("vae", "constant"));
    assert!(error < 0.7 * constant, "{error} of {constant}");
    // A code that says nothing has means of 0.
    assert!(figure("vae", "spread") > 0.3);
}

/// Six steps end in rounding: the products with the Hessian, inside of a scan, go through what was computed outside of it.
#[test]
fn newtons_method_by_products_with_the_hessian() {
    let slope = figure("newton", "slope");
    assert!(slope < 1e-6, "{slope}");
}

#[test]
fn a_u_net_takes_noise_off() {
    let (noisy, cleaned) = (figure("unet", "noisy"), figure("unet", "cleaned"));
    assert!(cleaned < 0.6 * noisy, "{cleaned} of {noisy}");
}

/// Points of the spiral lie about 1.2 from its centre.
#[test]
fn a_neural_differential_equation_follows_a_spiral() {
    let error = figure("neural_ode", "error");
    assert!(error < 0.1, "{error}");
}

/// The points were made with deviation 0.7; a mean of a hundred of them is off by 0.07 in each direction.
#[test]
fn a_mixture_of_gaussians_finds_its_centres() {
    let far = figure("gaussian_mixture", "far");
    assert!(far < 0.3, "{far}");
    let deviation = figure("gaussian_mixture", "deviation");
    assert!((deviation - 0.7).abs() < 0.1, "{deviation}");
}

/// The level moves with variance 0.25 and is seen with variance 1. A filter that knows them is off by `(sqrt(q^2 + 4 q r) - q) / 2` = 0.39.
#[test]
fn a_filter_finds_its_variances() {
    let (q, r) = (figure("kalman_filter", "q"), figure("kalman_filter", "r"));
    assert!((q - 0.25).abs() < 0.15 && (r - 1.0).abs() < 0.35, "{q} {r}");
    let filtered = figure("kalman_filter", "filtered");
    assert!(filtered < 0.5, "{filtered}");
}

#[test]
fn a_policy_finds_the_best_arm() {
    assert_eq!(figure("bandit", "best"), 2.0);
    assert!(figure("bandit", "sure") > 0.9);
}

/// The same linear layer reads the encoder before it has learned anything, and after.
#[test]
fn augmented_views_teach_an_encoder_without_labels() {
    let (before, after) = (
        figure("contrastive", "before"),
        figure("contrastive", "accuracy"),
    );
    assert!(after > before + 0.03, "{after} after {before}");
}

/// The solution is the sine, which reaches 1.
#[test]
fn a_network_solves_a_differential_equation() {
    let error = figure("physics_informed", "error");
    assert!(error < 0.03, "{error}");
}

#[test]
fn vectors_of_users_and_things_predict_unseen_ratings() {
    let (all, of) = (
        figure("factorisation", "all"),
        figure("factorisation", "of"),
    );
    assert!(all < 0.05 * of, "{all} of {of}");
}

#[test]
fn residual_blocks_and_patches_tell_digits() {
    let accuracy = figure("residual_network", "accuracy");
    assert!(accuracy > 0.85, "{accuracy}");
    let accuracy = figure("mlp_mixer", "accuracy");
    assert!(accuracy > 0.85, "{accuracy}");
}

/// One step of descent inside of the layer; its gradient is differentiated again.
#[test]
fn meta_learning_finds_a_start_for_one_step() {
    let (before, after) = (
        figure("meta_learning", "before"),
        figure("meta_learning", "after"),
    );
    assert!(after < 0.5 * before, "{after} after {before}");
}

/// The noise of the data has deviation 0.1. The decomposition gives the matrix back.
#[test]
fn a_gaussian_process_finds_the_noise() {
    let gap = figure("gaussian_process", "gap");
    assert!(gap < 1e-5, "{gap}");
    let noise = figure("gaussian_process", "noise");
    assert!((0.05..0.2).contains(&noise), "{noise}");
}

/// The chain stays with probability 0.9 and shows the wrong symbol with 0.15.
#[test]
fn a_hidden_markov_model_finds_its_probabilities() {
    let (stay, wrong) = (
        figure("hidden_markov", "stay"),
        figure("hidden_markov", "wrong"),
    );
    assert!((stay - 0.9).abs() < 0.05, "{stay}");
    assert!((wrong - 0.15).abs() < 0.05, "{wrong}");
}

/// The ring has radius 2, and the points that taught the slope were 0.3 off it.
#[test]
fn points_are_drawn_along_a_learned_slope() {
    let radius = figure("score_matching", "radius");
    assert!((radius - 2.0).abs() < 0.1, "{radius}");
    let spread = figure("score_matching", "spread");
    assert!(spread < 0.45, "{spread}");
}

/// Points on half a ring of width 0.1 have an entropy of about 0.2; the density of a normal distribution knows nothing of the ring.
#[test]
fn a_flow_gives_points_their_density() {
    let (flow, normal) = (figure("flow", "flow"), figure("flow", "normal"));
    assert!(flow < 0.7 && normal > 2.0, "{flow} {normal}");
}

/// One bell of the best width is what a plain network can say.
#[test]
fn a_mixture_density_network_knows_several_answers() {
    let (mixture, single) = (
        figure("mixture_density", "mixture"),
        figure("mixture_density", "single"),
    );
    assert!(mixture < single - 0.7, "{mixture} {single}");
}
