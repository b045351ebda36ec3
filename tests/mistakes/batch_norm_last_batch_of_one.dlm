let classes: i32[5] = [0, 1, 1, 0, 1]
let set = data(x = [[0.1, 2], [1, 1], [0.5, 0], [2, 2], [3, 0]], y = classes)
layer mlp(x: [n, d]) -> [n, 2] { x |> dense(8) |> batch_norm |> relu |> dense(2) }
let net = mlp()
train net on set {
    loss      = cross_entropy
    optimizer = adam(lr = 0.01)
    epochs    = 2
    batch     = 4
}
print net([[1, 2]])
