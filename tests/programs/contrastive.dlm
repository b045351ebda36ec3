# SimCLR: two augmented views of a digit should be nearer to one another than to the views of others; then a linear layer reads the labels.
let digits = csv("../../examples/data/digits.csv") |> target("digit", classes = true) |> scale(0.0625) |> reshape(1, 8, 8)
    |> split(train = 1000, seed = 2)
fn unit(z: [n, d]) -> [n, d] { z / sqrt(sum(z ^ 2, over = 1, keep = true) + 1e-8) }
fn view(x: [n, c, h, w]) -> [n, c, h, w] { x |> random_shift(1) |> random_noise(0.2) }
layer encoder(x: [n, 1, 8, 8]) -> [n, 32] {
    x |> conv2d(16, kernel = 3, padding = 1) |> relu |> max_pool(2) |> conv2d(32, kernel = 3, padding = 1) |> relu |> global_avg_pool
}
layer projector(h: [n, d]) -> [n, 16] { h |> dense(32) |> relu |> dense(16) }
fn nt_xent(a: [n, d], b: [n, d], temperature) -> [] {
    let z = unit(concat(a, b, over = 0))
    let s = z @ transpose(z) / temperature
    let others[i, j] = where(i == j, -1e9, s[i, j])
    let partner[i < 2 * n] = (i + n) % (2 * n)
    cross_entropy(others, partner)
}
let encode = encoder()
let project = projector()
layer probe(x: [n, 1, 8, 8]) -> [n, 10] { stop_gradient(encode(x)) |> dense(10) }
let first = probe()
train first on digits.train { loss = cross_entropy; optimizer = adam(lr = 0.05); epochs = 20 }
print "before {evaluate(first, digits.test, accuracy):.3}"
for epoch in 1..=15 {
    for b in digits.train |> batches(100, shuffle = true) {
        minimize nt_xent(project(encode(view(b.x))), project(encode(view(b.x))), 0.5) with adam(lr = 0.003)
    }
}
let second = probe()
train second on digits.train { loss = cross_entropy; optimizer = adam(lr = 0.05); epochs = 20 }
print "accuracy {evaluate(second, digits.test, accuracy):.3}"
