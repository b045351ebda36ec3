let set = data(x = [[1, 2], [3, 4]], y = [0, 1])
layer mlp(x: [n, d]) -> [n, 2] { x |> dense(2) }
let net = mlp()
train net on set {
    loss      = soft_cross_entropy
    optimizer = adam()
    augment   = mixup
}
