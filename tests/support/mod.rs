//! What tests that drive the command share: folders, programs, processes.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder of one test, removed when it ends.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("dlmc-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    pub fn at(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.at(file), text).expect("the test's folder takes files");
    }

    /// A command in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dlmc"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        let child = self.command(arguments).spawn();
        child.expect("the command starts")
    }

    /// Runs a command that must end with `code`; gives standard output and standard error.
    pub fn run(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.command(arguments).output().expect("the command runs");
        ended(code, arguments, &output)
    }

    /// The receipt in a file, without what may differ between equal runs.
    pub fn receipt(&self, file: &str) -> serde_json::Value {
        let bytes = std::fs::read(self.at(file)).expect("a receipt was written");
        let mut receipt: serde_json::Value =
            serde_json::from_slice(&bytes).expect("the receipt is JSON");
        let threads = receipt["threads"].take();
        assert!(threads.is_u64(), "{threads}");
        let cpu = receipt["cpu"].take();
        assert!(cpu.is_string(), "{cpu}");
        receipt
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind lies in the system's folder for such files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Checks how a command ended; gives standard output and standard error.
pub fn ended(code: i32, arguments: &[&str], output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let status = output.status;
    assert_eq!(
        status.code(),
        Some(code),
        "{arguments:?}: {status}\n{stdout}\n{stderr}"
    );
    (stdout, stderr)
}

/// Waits for a file to be there.
pub fn wait_for(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{} does not come",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A sequence of numbers that look random.
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one, from 0 to 1. (splitmix64: Steele, Lea and Flood 2014.)
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() * end as f64) as usize
    }
}

/// 120 points of two classes.
pub fn points() -> String {
    let mut numbers = Numbers(7);
    let mut text = String::from("a,b,c,class\n");
    for at in 0..120 {
        let class = at % 2;
        let mut value = || numbers.next() + 0.3 * f64::from(class);
        let (a, b, c) = (value(), value(), value());
        text += &format!("{a:.4},{b:.4},{c:.4},k{class}\n");
    }
    text
}

/// Epochs with all that has a state: batches in random order with a rest, dropout, moving averages, Adam, early stopping, a file of the
/// best weights.
pub const EPOCHS: &str = r#"
import "parts.dlm"
hyper hidden = 6
hyper epochs = 12
let set = csv("points.csv") |> target("class") |> standardize |> split(train = 0.8, seed = 1)
let net = classifier(hidden)
train net on set.train {
    loss      = cross_entropy
    optimizer = adam(lr = 0.02)
    epochs    = epochs
    batch     = 10
    shuffle   = true
    seed      = 3
    validate  = set.test
    metrics   = [accuracy]
    stop      = no_improvement(epochs = 50)
    save_best = "best.safetensors"
}
print "accuracy {evaluate(net, set.test, accuracy)}"
load net from "best.safetensors"
print "at its best {evaluate(net, set.test, accuracy)}"
"#;

/// The layers of [`EPOCHS`].
pub const PARTS: &str = r#"
layer classifier(hidden)(x: [n, d]) -> [n, 2] {
    x |> dense(hidden) |> relu |> dropout(0.2) |> dense(2)
}
"#;

/// Loops of steps, with random numbers and printing between.
pub const LOOPS: &str = r#"
hyper rounds = 4
layer generator(z: [n, k]) -> [n, 2] { z |> dense(4) |> relu |> dense(2) }
let g = generator()
for round in 1..=rounds {
    repeat 40 {
        let noise = normal[8, 3]
        let real = uniform[8, 2]
        minimize mse(g(noise), real) with adam(lr = 0.01)
    }
    minimize mse(g(normal[8, 3]), uniform[8, 2]) with adam(lr = 0.01)
    print "round {round}: {mean(g(normal[8, 3]))}"
}
"#;

/// Batches walked by hand after a `train`: accumulated gradients, a schedule, states of layers, a loop that ends by its loss.
pub const MIXED: &str = r#"
hyper rounds = 6
let set = csv("points.csv") |> target("class") |> standardize |> split(train = 0.8, seed = 1)
layer model(x: [n, d]) -> [n, 2] { x |> dense(6) |> batch_norm |> relu |> dense(2) }
let net = model()
train net on set.train {
    loss       = cross_entropy
    optimizer  = momentum(lr = cosine(0.1, epochs = 5), mu = 0.9)
    epochs     = 5
    batch      = 7
    accumulate = 2
    clip_norm  = 1.0
}
for round in 1..=rounds {
    for b in set.train |> batches(10, shuffle = true) {
        minimize cross_entropy(net(b.x), b.y) with adam(lr = 0.01)
    }
    print "round {round}: {evaluate(net, set.test, accuracy):.3}"
}
let w: [3] = [1, 2, 3]
layer line(x: [n]) -> [n] {
    param a: [] = zeros
    a * x
}
let f = line()
repeat until loss < 1e-4, at most 300 {
    let loss = minimize mse(f(w), 2 * w) with adam(lr = 0.02)
}
print "a {f.a}"
"#;

/// A folder with the programs and their data.
pub fn programs(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("epochs.dlm", EPOCHS);
    folder.write("parts.dlm", PARTS);
    folder.write("loops.dlm", LOOPS);
    folder.write("mixed.dlm", MIXED);
    folder.write("points.csv", &points());
    folder
}

/// Whether the long tests run in full, as `tests/deep.sh` has them.
pub fn deep() -> bool {
    std::env::var_os("DLMC_DEEP").is_some_and(|value| value == "1")
}
