# A variational autoencoder: a sample by reparametrisation in training, the mean elsewhere; the divergence in closed form.
let digits = csv("../../examples/data/digits.csv") |> target("digit", classes = true) |> scale(0.0625) |> split(train = 1000, seed = 2)
layer vae(code)(x: [n, d]) -> ([n, d], [n, code], [n, code]) {
    let h = x |> dense(64) |> tanh
    let mu = h |> dense(code)
    let logvar = h |> dense(code)
    let z = if training { mu + exp(0.5 * logvar) * normal[n, code] } else { mu }
    (z |> dense(64) |> tanh |> dense(d), mu, logvar)
}
fn negative_elbo(x: [n, d], logits: [n, d], mu: [n, c], logvar: [n, c]) -> [] {
    d * bce(logits, x) - 0.5 * mean(sum(1 + logvar - mu ^ 2 - exp(logvar), over = 1))
}
let net = vae(4)
train net on digits.train {
    loss = fn (b) {
        let (logits, mu, logvar) = net(b.x)
        negative_elbo(b.x, logits, mu, logvar)
    }
    optimizer = adam(lr = 0.003)
    epochs    = 20
    validate  = digits.test
}
let (logits, mu, logvar) = net(digits.test.x)
print "error {mse(sigmoid(logits), digits.test.x):.4}"
print "constant {mean((digits.test.x - mean(digits.test.x, over = 0)) ^ 2):.4}"
print "spread {mean(mu ^ 2):.3}"
