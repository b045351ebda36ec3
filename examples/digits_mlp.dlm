# A multilayer perceptron on 8x8 digits.
let digits = csv("data/digits.csv") |> target("digit", classes = true) |> scale(0.0625) |> split(train = 0.8, seed = 1)

layer mlp(hidden)(x: [n, d]) -> [n, 10] {
    x |> dense(hidden) |> relu |> dense(hidden) |> relu |> dense(10)
}

let net = mlp(64)
train net on digits.train {
    loss      = cross_entropy
    optimizer = adam(lr = 0.002)
    epochs    = 20
    batch     = 32
    seed      = 1
    validate  = digits.test
    metrics   = [accuracy]
}
print "accuracy on the test part {evaluate(net, digits.test, accuracy):.4}"
