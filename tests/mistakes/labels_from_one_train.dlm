let classes: i32[3] = [2, 2, 3]
let set = data(x = [[0.1, 2], [1, 1], [0.5, 0]], y = classes)
layer mlp(x: [n, d]) -> [n, 3] { x |> dense(3) }
let net = mlp()
train net on set {
    loss      = cross_entropy
    optimizer = adam(lr = 0.01)
    epochs    = 2
    batch     = 3
}
