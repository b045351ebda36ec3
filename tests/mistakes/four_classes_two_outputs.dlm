let set = data(x = [[0.1, 2], [1, 1]], y = [[1.0, 0, 0, 0], [0, 0, 1, 0]])
layer mlp(x: [n, d]) -> [n, 2] { x |> dense(2) }
let net = mlp()
train net on set {
    loss      = soft_cross_entropy
    optimizer = adam(lr = 0.01)
    epochs    = 1
}
