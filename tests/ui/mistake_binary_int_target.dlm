let set = csv("kinds.csv") |> target("kind")
layer mlp(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }
let net = mlp()
train net on set {
    loss      = binary_cross_entropy
    optimizer = sgd(lr = 0.1)
}
