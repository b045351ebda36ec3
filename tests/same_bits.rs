//! A run is a function of program, data, settings and seed: threads, processes, what is shown of it, who starts it and the vector
//! instructions change no bit of a loss or a weight. `DLMC_DEEP=1` takes all examples and 200 random programs.
#![cfg(feature = "cli")]

mod support;

use dlmc::data::FileProvider;
use dlmc::testing::programs::{points, program};
use dlmc::{Config, Control, Cpu, Engine, Isa, OnNonFinite, ProgramOptions, Progress};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;
use support::{Folder, deep};

/// Levels beside the native one that this machine can run and that have fused multiply-add.
fn fused_levels() -> Vec<&'static str> {
    let levels = Isa::ALL.into_iter().filter(|&isa| isa != Isa::Portable);
    let levels = levels.filter(|&isa| Cpu::force(isa).is_some());
    levels.map(Isa::name).collect()
}

/// What a run left: its receipt, what it printed and the weights that it saved, where it did.
#[derive(Debug, PartialEq)]
struct Left {
    receipt: Value,
    printed: String,
    weights: Option<Vec<u8>>,
}

const WEIGHTS: &str = "weights.safetensors";

fn run(folder: &Folder, file: &str, arguments: &[&str]) -> Left {
    // What a run before has left is not to be taken for this one's.
    let _ = std::fs::remove_file(folder.at(WEIGHTS));
    let receipt = folder.at("r.json").display().to_string();
    let fixed = [
        "run",
        file,
        "--receipt",
        &receipt,
        "--on-nonfinite",
        "ignore",
    ];
    let (printed, _) = folder.run(0, &[&fixed[..], arguments].concat());
    Left {
        receipt: folder.receipt("r.json"),
        printed,
        weights: std::fs::read(folder.at(WEIGHTS)).ok(),
    }
}

/// Runs a program in every way of the command line; gives what each left.
fn the_same_from_the_command_line(folder: &Folder, file: &str, name: &str) -> Left {
    let first = run(folder, file, &["--threads", "1"]);
    let mut ways: Vec<Vec<&str>> = ["1", "2", "3", "8"].map(|n| vec!["--threads", n]).into();
    ways.push(vec!["--threads", "2", "--progress"]);
    ways.push(vec!["--threads", "2", "--quiet"]);
    ways.extend(
        fused_levels()
            .iter()
            .map(|level| vec!["--threads", "2", "--cpu", level]),
    );
    for way in ways {
        assert_eq!(run(folder, file, &way), first, "{name} with {way:?}");
    }
    // Without fused multiply-add bits may be others, but threads still change none.
    let baseline = |threads| run(folder, file, &["--cpu", "baseline", "--threads", threads]);
    assert_eq!(baseline("1"), baseline("3"), "{name} at the baseline");
    first
}

/// Runs a program through the library: the losses of its steps, what it prints, and its weights as a receipt lists them.
fn from_the_library(
    folder: &Path,
    file: &Path,
    threads: usize,
) -> (Vec<String>, String, Vec<Value>) {
    let engine = Engine::new(Config {
        threads,
        folder: Some(folder.into()),
        ..Config::default()
    });
    let options = ProgramOptions {
        base_dir: folder.display().to_string(),
        on_nonfinite: OnNonFinite::Ignore,
        ..ProgramOptions::default()
    };
    let text = std::fs::read_to_string(file).expect("it is there");
    let program = engine
        .expect("threads")
        .compile(&text, options, FileProvider::new());
    let program = program.unwrap_or_else(|error| panic!("{error}"));
    let mut trainer = program.trainer().expect("starts");
    let (mut losses, mut printed) = (Vec::new(), String::new());
    let listen = |progress: &Progress| {
        match progress {
            Progress::Step { loss, .. } => losses.push(format!("{loss:?}")),
            Progress::Line(line) => {
                printed += line;
                printed.push('\n');
            }
            _ => {}
        }
        Control::Continue
    };
    trainer
        .run(listen)
        .unwrap_or_else(|error| panic!("{error}"));
    let parameters = program.parameters().into_iter();
    let tensors = parameters.map(|(name, ty)| {
        let value = trainer.value(&name).expect("a parameter has a value");
        let sum: String = Sha256::digest(value.bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        json!({"name": name, "type": ty.to_string(), "sha256": sum})
    });
    (losses, printed, tensors.collect())
}

fn the_same_from_the_library(folder: &Path, file: &Path, first: &Left, name: &str) {
    let (losses, printed, tensors) = from_the_library(folder, file, 2);
    assert_eq!(printed, first.printed, "{name} from the library");
    // A receipt lists the states of layers behind the parameters.
    let all = first.receipt["tensors"].as_array().expect("a list");
    assert_eq!(tensors, all[..tensors.len()], "{name} from the library");
    let steps = first.receipt["steps"].as_array().expect("a list");
    let steps: Vec<&str> = steps.iter().filter_map(Value::as_str).collect();
    // Loops of steps report no single ones to a host.
    if !losses.is_empty() && !steps.iter().any(|step| step.starts_with("state")) {
        assert_eq!(losses, steps, "{name} from the library");
    }
}

#[test]
fn random_programs_give_the_same_bits_in_every_way() {
    let folder = Folder::new("same-random");
    folder.write("points.csv", &points());
    let count = if deep() { 200 } else { 10 };
    for seed in 0..count {
        let name = format!("the program of seed {seed}");
        let text = program(seed) + &format!("save net to \"{WEIGHTS}\"\n");
        folder.write("random.dlm", &text);
        let first = the_same_from_the_command_line(&folder, "random.dlm", &name);
        assert!(first.weights.is_some(), "{name} saves its weights");
        assert!(
            !first.receipt["steps"]
                .as_array()
                .expect("a list")
                .is_empty()
        );

        std::fs::remove_file(folder.at(WEIGHTS)).expect("the test's own file");
        the_same_from_the_library(&folder.at(""), &folder.at("random.dlm"), &first, &name);
        assert_eq!(
            std::fs::read(folder.at(WEIGHTS)).ok(),
            first.weights,
            "{name} from the library"
        );

        std::fs::remove_file(folder.at(WEIGHTS)).expect("the test's own file");
        // Neither ignores a loss that becomes infinite, as that of one program does: both stop there then.
        let ends = |command: &str| {
            let ended = folder.command(&[command, "random.dlm"]).output();
            ended.expect("it runs").status.code()
        };
        let code = ends("run");
        std::fs::remove_file(folder.at(WEIGHTS)).ok();
        assert_eq!(ends("repl"), code, "{name} at the prompt");
        if code == Some(0) {
            let weights = std::fs::read(folder.at(WEIGHTS)).ok();
            assert_eq!(weights, first.weights, "{name} at the prompt");
        } else {
            assert_eq!(seed, 188, "{name} ends with {code:?}");
        }
    }
}

#[test]
fn examples_give_the_same_bits_in_every_way() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names = vec!["iris", "linear_regression"];
    if deep() {
        names.extend([
            "autoencoder",
            "breast_cancer",
            "char_gpt",
            "char_lstm",
            "digits_mlp",
        ]);
        names.extend(["formula_conv", "gan", "lenet", "own_optimizer", "rnn"]);
    }
    let folder = Folder::new("same-examples");
    for name in names {
        let file = examples.join(format!("{name}.dlm"));
        let path = file.display().to_string();
        let first = the_same_from_the_command_line(&folder, &path, name);
        the_same_from_the_library(&examples, &file, &first, name);
        let (printed, _) = folder.run(0, &["repl", &path]);
        assert_eq!(printed, first.printed, "{name} at the prompt");
    }
}

#[test]
fn a_level_that_there_is_not_is_the_commands_fault() {
    let folder = Folder::new("level");
    folder.write("a.dlm", "print 1\n");
    let (_, stderr) = folder.run(2, &["run", "a.dlm", "--cpu", "mmx"]);
    assert!(
        stderr.contains("the levels are native, baseline, avx2 and avx512"),
        "{stderr}"
    );
}

#[test]
fn a_receipt_names_the_level_and_verify_says_where_it_matters() {
    let folder = Folder::new("receipt-level");
    folder.write("points.csv", &points());
    folder.write("a.dlm", &program(0));
    let file = ["run", "a.dlm", "--receipt", "r.json"];
    folder.run(0, &[&file[..], &["--cpu", "baseline"]].concat());
    let text = std::fs::read_to_string(folder.at("r.json")).expect("a receipt");
    let receipt: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(receipt["cpu"], "baseline");
    let (stdout, stderr) = folder.run(0, &["verify", "r.json", "--cpu", "baseline"]);
    assert!(
        stdout.starts_with("identical: ") && stderr.is_empty(),
        "{stdout}{stderr}"
    );
    if Cpu::detect().isa() != Isa::Portable {
        let verify = folder
            .command(&["verify", "r.json"])
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&verify.stderr);
        assert!(
            said.contains("without fused multiply-add bits may differ"),
            "{said}"
        );
    }
}
