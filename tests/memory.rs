//! What `dlmc check` says of a run's memory holds: beside its data a run takes no more than its tensors, twice, and the arena, with a
//! tenth and 16 MB for all else. A process of its own, since the peak is the process's.
#![cfg(target_os = "linux")]

mod support;

use dlmc::data::FileProvider;
use dlmc::{Config, Control, Engine, ProgramOptions};
use support::deep;

fn status(field: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = text.lines().find(|line| line.starts_with(field));
    let words = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes = words.and_then(|n| n.parse::<usize>().ok());
    kilobytes.expect("a number of kB") * 1024
}

/// A step that works in some tens of megabytes.
const WIDE: &str = "
layer net(x: [n, d]) -> [n, 1] { x |> dense(1024) |> tanh |> dense(512) |> gelu |> dense(1) }
let f = net()
repeat 3 {
    let x = normal[2048, 16]
    minimize mse(f(x), sum(x, over = 1, keep = true)) with adam(lr = 0.001)
}
";

/// A product of a few rows and millions of columns: tables of offsets are a third of what it works in.
const THIN: &str = "print sum(max(normal[4, 4] @ normal[4, 4000000], 0.0))\n";

#[test]
fn a_run_holds_what_check_says() {
    let examples = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
    let mut names = vec!["iris", "digits_mlp"];
    if deep() {
        names.extend([
            "autoencoder",
            "breast_cancer",
            "char_gpt",
            "char_lstm",
            "formula_conv",
        ]);
        names.extend(["gan", "lenet", "linear_regression", "own_optimizer", "rnn"]);
    }
    let read = |name: &str| std::fs::read_to_string(format!("{examples}/{name}.dlm"));
    let mut programs = vec![("wide", WIDE.to_string()), ("thin", THIN.to_string())];
    programs.extend(
        names
            .iter()
            .map(|&name| (name, read(name).expect("it is there"))),
    );
    let engine = Engine::new(Config {
        threads: 2,
        folder: None,
        ..Config::default()
    });
    let engine = engine.expect("threads");
    for (name, text) in programs {
        let options = ProgramOptions {
            base_dir: examples.clone(),
            ..ProgramOptions::default()
        };
        let start = status("VmRSS:");
        let program = engine.compile(&text, options, FileProvider::new());
        let program = program.unwrap_or_else(|error| panic!("{name}: {error}"));
        let said = program.summary();
        // The peak from here on.
        std::fs::write("/proc/self/clear_refs", "5").expect("a process may reset its own peak");
        // Tables are there once a program is compiled.
        let before = match name {
            "thin" => start,
            _ => status("VmRSS:"),
        };
        let mut trainer = program.trainer().expect("starts");
        trainer
            .run(|_| Control::Continue)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let taken = status("VmHWM:").saturating_sub(before);
        let most = said.memory() + said.memory() / 10 + (16 << 20);
        assert!(taken <= most, "{name}: {taken} bytes, {said:?}");
        if name == "wide" {
            assert!(
                said.arena_bytes > 8 << 20 && taken > said.arena_bytes / 2,
                "{taken} {said:?}"
            );
        }
        if name == "thin" {
            assert!(said.product_bytes > 24 << 20, "{said:?}");
        }
    }
}
