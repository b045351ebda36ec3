let set = csv("kinds.csv") |> target("kind")
layer mlp(x: [n, d]) -> [n, 2] {
    x |> dense(2) |> softmax
}
let net = mlp()
train net on set {
    loss      = cross_entropy
    optimizer = adam()
}
