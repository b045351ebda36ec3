let set = data(x = [[0.1, 2], [1, 1], [0.5, 0]], y = [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
layer mlp(x: [n, d]) -> [n, 3] { x |> dense(3) }
let net = mlp()
train net on set {
    loss      = cross_entropy
    optimizer = adam(lr = 0.01)
    epochs    = 1
    metrics   = [accuracy]
}
