let set = csv("points.csv") |> target("y")
let net = dense(1)
train net on set {
    loss      = mse
    optimizer = sgd(lr = 0.1)
}
