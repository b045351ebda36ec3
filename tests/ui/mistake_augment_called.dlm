let set = csv("points.csv") |> target("y")
layer mlp(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }
let net = mlp()
train net on set {
    loss      = mse
    optimizer = adam()
    augment   = random_noise(0.1)
}
