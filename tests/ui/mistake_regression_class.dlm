let set = csv("kinds.csv") |> target("kind")
let net = dense(1)
train net on set {
    loss      = mse
    optimizer = sgd(lr = 0.1)
}
