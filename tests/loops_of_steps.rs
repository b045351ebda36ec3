//! Loops of steps of small graphs run as one function: the same bits as kernel by kernel, wherever the loop is cut.
#![cfg(feature = "cli")]

mod support;

use serde_json::Value;
use support::Folder;

/// Programs whose `repeat` is small enough, and what they try.
const SMALL: [(&str, &str); 9] = [
    (
        "momentum",
        "layer line(x: [n, d]) -> [n] {
    param w: [d] = zeros
    param b: []  = zeros
    x @ w + b
}
let x = [[1.0, 2.0], [2.0, 3.0], [3.0, 5.0], [4.0, 4.0]]
let y = [2.0, 3.0, 4.0, 5.0]
let f = line()
repeat 300 { minimize mse(f(x), y) with momentum(lr = 0.01, mu = 0.9) }
print \"{f.w:.9} {f.b:.9}\"
",
    ),
    (
        "adam and functions",
        "layer squash(x: [n, d]) -> [n] {
    param w: [d] = glorot_uniform
    param s: []  = ones
    tanh(x @ w) * s + sigmoid(s) - log(1 + exp(s)) + sqrt(abs(s))
}
let x = [[1.0, 2.0], [2.0, -3.0], [-3.0, 5.0]]
let f = squash()
repeat 200 { minimize mean(f(x) ^ 2) with adam(lr = 0.05) }
print \"{f.w:.9} {f.s:.9}\"
",
    ),
    (
        "a sum in sixteen lanes, choices",
        "layer row(x: [n]) -> [] {
    param w: [n] = glorot_uniform
    let z = x * w
    sum(z) + sum(where(z > 0, z, 0.1 * z))
}
let x = [0.5, -1.0, 2.0, 0.25, 3.0, -2.5, 1.5, 0.75, -0.5, 1.0, 0.3, 0.6, -0.9, 1.2, 2.2, -0.1, 0.7, 1.9, -1.1, 0.4]
let f = row()
repeat 50 { minimize (f(x) - 1) ^ 2 with sgd(lr = 0.001) }
print \"{f.w:.9}\"
",
    ),
    (
        "doubles",
        "layer line(x: f64[n, d]) -> f64[n] {
    param w: f64[d] = glorot_uniform
    exp(x @ w / 10)
}
let x: f64[3, 2] = [[1, 0], [0, 1], [1, 1]]
let y: f64[3]    = [1, 2, 3]
let f = line()
repeat 100 { minimize mse(f(x), y) with sgd(lr = 0.05) }
print \"{f.w:.12}\"
",
    ),
    (
        "random numbers of each turn",
        "layer noisy(x: [n]) -> [n] {
    param w: [] = ones
    x * w + 0.1 * normal[n]
}
let x = [1.0, 2.0, 3.0]
let f = noisy()
repeat 40 { minimize mse(f(x), 2 * x) with sgd(lr = 0.02) }
print \"{f.w:.9}\"
",
    ),
    (
        "padding and a difference of neighbours",
        "layer smooth(x: [n]) -> [n] {
    param k: [3] = [0.2, 0.5, 0.2]
    let padded = pad(x, left = 1, right = 1)
    let out[i] = sum[j < 3] padded[i + j] * k[j]
    out
}
let x = [1.0, 4.0, 2.0, 5.0]
let f = smooth()
repeat 60 { minimize mse(f(x), x) with sgd(lr = 0.01) }
print \"{f.k:.9}\"
",
    ),
    (
        "parameters by hand",
        "let x = [1.0, 2.0, 3.0]
let y = [2.0, 4.1, 5.9]
layer slope(x: [n]) -> [n] {
    param a: [] = zeros
    a * x
}
let f = slope()
repeat 30 {
    let g = grad(mse(f(x), y), f.a)
    f.a = f.a - 0.05 * g
}
print \"{f.a:.9}\"
",
    ),
    (
        "an objective that diverges",
        "layer slope(x: [n]) -> [n] {
    param a: [] = ones
    a * x
}
let x = [1.0, 2.0, 3.0]
let f = slope()
repeat 5000 { minimize mse(f(x), 3 * x) with sgd(lr = 5.0) }
print \"{f.a}\"
",
    ),
    (
        "several loops, one after the other",
        "layer slope(x: [n]) -> [n] {
    param a: [] = zeros
    a * x
}
let x = [1.0, 2.0, 3.0]
let f = slope()
let g = slope()
repeat 20 { minimize mse(f(x), 3 * x) with sgd(lr = 0.01) }
repeat 20 { minimize mse(g(x), f(x)) with rmsprop(lr = 0.01) }
print \"{f.a:.9} {g.a:.9}\"
",
    ),
];

/// What a run left: its exit code, what it printed, what it said, its receipt.
fn run(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String, String, Option<Value>) {
    let _ = std::fs::remove_file(folder.at("r.json"));
    let fixed = ["run", "p.dlm", "--receipt", "r.json", "--seed", "7"];
    let all = [&fixed[..], arguments].concat();
    let output = folder.command(&all).output().expect("the command runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let receipt = folder.at("r.json").exists().then(|| {
        let mut receipt = folder.receipt("r.json");
        receipt["skip"].take();
        receipt["identity"].take();
        receipt
    });
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
        receipt,
    )
}

#[test]
fn a_loop_has_the_bits_of_its_kernels() {
    let folder = Folder::new("loops");
    for (name, text) in SMALL {
        folder.write("p.dlm", text);
        let as_loop = run(&folder, &["--threads", "1"]);
        assert_eq!(run(&folder, &["--skip", "turns"]), as_loop, "{name}");
        let baseline = |more: &[&str]| run(&folder, &[&["--cpu", "baseline"], more].concat());
        assert_eq!(
            baseline(&["--skip", "turns"]),
            baseline(&[]),
            "{name} at the baseline"
        );
        let diverges = name.contains("diverges");
        assert_eq!(
            as_loop.0,
            Some(i32::from(diverges)),
            "{name}: {}",
            as_loop.2
        );
        // A receipt has each step looked at; without one the loop runs on.
        let (printed, _) = folder.run(as_loop.0.unwrap_or(0), &["run", "p.dlm", "--seed", "7"]);
        assert_eq!(printed, as_loop.1, "{name}");
        let said = run(&folder, &["--verbose"]).2;
        assert!(
            said.contains("loop of steps") || said.contains("loops of steps"),
            "{name}: {said}"
        );
    }
}

#[test]
fn a_loop_may_be_cut_anywhere() {
    let folder = Folder::new("cut-loops");
    folder.write("p.dlm", SMALL[0].1);
    let whole = run(&folder, &[]);
    // A checkpoint every seven steps ends each call of the loop after seven turns.
    let cut = run(&folder, &["--checkpoint", "state", "--every", "7"]);
    assert_eq!((&cut.1, &cut.3), (&whole.1, &whole.3));
    let (printed, _) = folder.run(
        0,
        &[
            "run",
            "p.dlm",
            "--seed",
            "7",
            "--checkpoint",
            "again",
            "--every",
            "7",
        ],
    );
    assert_eq!(printed, whole.1);
}

#[test]
fn what_is_large_or_not_plain_stays_with_its_kernels() {
    let folder = Folder::new("no-loops");
    let large = "layer line(x: [n, d]) -> [n] {
    param w: [d] = zeros
    x @ w
}
let x = normal[100, 10]
let f = line()
repeat 10 { minimize mse(f(x), x[:, 0]) with sgd(lr = 0.01) }
";
    let gathers = "layer table(x: i32[n]) -> [n] {
    param t: [4] = zeros
    let out[i] = t[x[i]]
    out
}
let at: i32[3] = [0, 3, 1]
let f = table()
repeat 10 { minimize mse(f(at), [1.0, 2.0, 3.0]) with sgd(lr = 0.01) }
";
    for text in [large, gathers] {
        folder.write("p.dlm", text);
        let (code, _, said, _) = run(&folder, &["--verbose"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("of steps"), "{said}");
    }
}

/// A step of one kernel over shuffled batches, of 21 rows or fewer at the end of an epoch.
fn over_batches(rate: &str) -> String {
    let rows: Vec<String> = (0..21)
        .map(|i| format!("{},{},{}", i % 5, (i * 7) % 4, i % 3))
        .collect();
    format!(
        "let table = csv(\"t.csv\") |> target(\"c\", classes = true)
layer scores(x: [n, d]) -> [n, 3] {{
    x |> dense(3)
}}
let net = scores()
train net on table {{
    loss      = cross_entropy
    optimizer = momentum(lr = {rate}, mu = 0.9)
    epochs    = 9
    batch     = 4
    validate  = table
}}
print \"{{net.dense_1.W:.9}}\"
# a,b,c
# {}
",
        rows.join("\n# ")
    )
}

#[test]
fn a_loop_over_batches_of_one_kernel_has_the_bits_of_kernels_apart() {
    let folder = Folder::new("beats");
    for rate in ["0.05", "1e37"] {
        let text = over_batches(rate);
        let table = text.lines().filter_map(|line| line.strip_prefix("# "));
        folder.write("t.csv", &table.collect::<Vec<&str>>().join("\n"));
        folder.write("p.dlm", &text);
        let diverges = rate == "1e37";
        let one = run(&folder, &["--threads", "1"]);
        assert_eq!(one.0, Some(i32::from(diverges)), "{}", one.2);
        assert_eq!(diverges, one.2.contains("is not finite"), "{}", one.2);
        assert_eq!(
            run(&folder, &["--threads", "1", "--skip", "bundle"]),
            one,
            "rate {rate}"
        );
        assert_eq!(run(&folder, &["--threads", "3"]), one, "rate {rate}");
        if !diverges {
            // Looks at each step, one at a time.
            let (said, _) = folder.run(0, &["verify", "r.json"]);
            assert!(said.contains("identical"), "{said}");
            let cut = run(&folder, &["--checkpoint", "state", "--every", "7"]);
            assert_eq!((&cut.1, &cut.3), (&one.1, &one.3));
        }
    }
}
