let set = data(x = [[0.1, 2], [1, 1], [0.5, 0], [2, 2]], y = [0.0, 1, 1, 0])
layer mlp(x: [n, d]) -> [n, 2] { x |> dense(2) }
let net = mlp()
train net on set {
    loss      = cross_entropy
    optimizer = adam(lr = 0.01)
    epochs    = 1
}
