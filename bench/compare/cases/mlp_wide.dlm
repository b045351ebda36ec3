# A wide perceptron, 784-1024-1024-10, batches of 128, momentum.
hyper epochs = 5
let data = npz("../data/mlp_wide.npz")

layer mlp(x: [n, 784]) -> [n, 10] {
    x |> dense(1024) |> relu |> dense(1024) |> relu |> dense(10)
}

let net = mlp()
load net from "../data/mlp_wide.safetensors"
train net on data {
    loss      = cross_entropy
    optimizer = momentum(lr = 0.01, mu = 0.9)
    epochs    = epochs
    batch     = 128
    shuffle   = false
}
