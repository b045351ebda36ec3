let set = csv("points.csv") |> target("y")
layer mlp(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }
train mlp on set {
    loss      = mse
    optimizer = sgd(lr = 0.1)
}
