# A small perceptron, 2-16-16-1, batches of 32, SGD.
hyper epochs = 5
let data = npz("../data/mlp_small.npz")

layer mlp(x: [n, 2]) -> [n, 1] {
    x |> dense(16) |> tanh |> dense(16) |> tanh |> dense(1)
}

let net = mlp()
load net from "../data/mlp_small.safetensors"
train net on data {
    loss      = mse
    optimizer = sgd(lr = 0.01)
    epochs    = epochs
    batch     = 32
    shuffle   = false
}
