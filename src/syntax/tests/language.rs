//! Every program text of the language's description parses.
use super::tree;
use std::path::Path;

/// Blocks of code as the description prints them.
const BLOCKS: &[&str] = &[
    // Declarations.
    r#"hyper lr = 0.01                      # a hyper-parameter: `dlmc run m.dlm lr=0.1` overrides it
import "blocks.dlm"                  # another file, relative to this one

fn half_mse(pred: [..s], target: [..s]) -> [] {
    0.5 * mean((pred - target) ^ 2)
}

## A fully connected layer.
layer dense(units)(x: [..n, d]) -> [..n, units] {
    param W: [d, units] = glorot_uniform
    param b: [units]    = zeros
    x @ W + b
}

optimizer momentum(lr, mu = 0.9)(w, g) {
    state v = zeros                  # one per parameter, of its shape
    v = mu * v + g
    w - lr * v                       # the new value of w
}"#,
    r#"layer f(x) {
    for i in 0..layers { let x = x |> block(heads) }
    let (q, k, v) = split(x, 3)
    state running_mean: [c] = zeros
    running_mean = 0.9 * running_mean
    x |> conv2d(6, kernel = 5) |> relu
}"#,
    // Index notation.
    "let y[n, o, i, j] = b[o] + sum[c, k, l] x[n, c, i + k, j + l] * W[o, c, k, l]",
    "let y[i, j] = sum[k, l] x[i + k, j + l] * w[k, l]",
    "let y[i < 10] = i\nlet y[n, o, i < t] = x[n, 2*i + k - p]\nlet e[n, t, d] = E[tok[n, t], d]",
    "pad(x, left = 1, right = 1, over = t, fill = 0)",
    "let a = x[:, 0]\nlet b = x[.., 1:]\nlet c = mean(x, over = t)",
    "let r = reshape(x, [n, t, heads, e = d / heads])\nlet s = transpose(x, [n, heads, t, e])",
    // Recurrence.
    r#"layer rnn(hidden)(x: [n, t, d]) -> [n, t, hidden] {
    param W_xh: [d, hidden]      = glorot_uniform
    param W_hh: [hidden, hidden] = orthogonal
    param b_h:  [hidden]         = zeros
    scan x_t in x over t, h = zeros[n, hidden] {
        tanh(h @ W_hh + x_t @ W_xh + b_h)
    }
}"#,
    "let z = last(scan i in 0..50, z = z0 { f(z) })",
    "let (hs, cs) = scan reverse x_t in x over t, (h, c) = (zeros[n, u], zeros[n, u]) { (h, c) }",
    // Training.
    r#"let net = lenet()
train net on mnist.train {
    loss      = cross_entropy
    optimizer = momentum(lr = cosine(0.1, epochs = 5), mu = 0.9)
    epochs    = 5
    batch     = 64
    shuffle   = true
    seed      = 1
    validate  = mnist.test
    metrics   = [accuracy]
    augment   = fn (x) { x |> random_shift(2) }
    clip_norm = 1.0
    stop      = no_improvement(epochs = 3)
    save_best = "lenet.safetensors"
}"#,
    r#"repeat 1000 {
    minimize half_mse(f(x), y) with sgd(lr = 0.01)
}
for epoch in 1..=20 {
    let noise = normal[64, 16]
    for batch in mnist.train |> batches(64, shuffle = true) {
        minimize bce(d(batch.x), 1) + bce(d(stop_gradient(g(noise))), 0) over d with adam(lr = 2e-4)
        minimize bce(d(g(noise)), 1) over g with adam(lr = 2e-4)
    }
    print "epoch {epoch}: accuracy {evaluate(d, mnist.test, accuracy)}"
}
repeat until loss < 1e-6, at most 10000 { let loss = minimize half_mse(f(x), y) with sgd(lr = 0.01) }"#,
    "f.theta = f.theta - alpha * grad(J, f.theta)",
    "train net on d {\n    loss = fn (b) { cross_entropy(net(b.tokens), b.next) }\n}",
    "minimize J over d, g.W with adam(lr = 2e-4)",
    // Data and other statements.
    r#"let iris = csv("iris.csv") |> target("species") |> standardize |> split(train = 0.8, seed = 1)"#,
    r#"print "loss {loss:.4}"
assert loss < 1, "message"
save net to "w.safetensors"
load net from "w.safetensors"
plot losses to "loss.svg"
let p = net(x)
let s: i32[4] = [0, 1, 2, 3]
let m = mean(f32(argmax(p, over = -1) == y))"#,
    // The first program.
    r#"# Linear regression by gradient descent: four points, 1000 steps. theta ends at [0.2635930, 0.8038788].
let X = [[1, 2], [2, 3], [3, 4], [4, 5]]
let y = [2, 3, 4, 5]

layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}

let f = linear()
repeat 1000 {
    minimize half_mse(f(X), y) with sgd(lr = 0.01)
}
print "theta {f.theta}, loss {mse(f(X), y)}""#,
];

#[test]
fn the_blocks_of_the_description_parse() {
    for block in BLOCKS {
        tree(block);
    }
}

/// All `.dlm` files under a directory of the project.
fn programs(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(programs(&path));
        } else if path.extension().is_some_and(|extension| extension == "dlm") {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_standard_library_the_examples_and_the_references_parse() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = programs(&root.join("std"));
    assert!(library.len() > 10);
    for path in library
        .into_iter()
        .chain(programs(&root.join("examples")))
        .chain(programs(&root.join("tests/references")))
    {
        tree(&std::fs::read_to_string(&path).unwrap());
    }
}
