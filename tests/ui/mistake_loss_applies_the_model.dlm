let set = csv("points.csv") |> target("y")
layer m(x: [n, d]) -> [n] { x |> dense(1) |> reshape([n]) }
let net = m()
train net on set {
    loss       = fn (x, y) { mse(net(x), y) }
    optimizer  = adam()
    batch_size = 4
}
train net on set {
    loss      = crossentropy
    optimizer = Adam(lr = 0.01)
    patience  = 3
}
train net on set {
    loss      = fn (x, y) { mse(net(x), y) }
    optimizer = adam(lr = 0.01)
}
