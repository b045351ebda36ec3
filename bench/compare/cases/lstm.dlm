# A classifier of sequences: lstm of 128 units over 64 steps, mean over time, batches of 32, SGD.
hyper epochs = 5
let data = npz("../data/lstm.npz")

layer classify(x: [n, t, 32]) -> [n, 10] {
    x |> lstm(128) |> mean_over_time |> dense(10)
}

let net = classify()
load net from "../data/lstm.safetensors"
train net on data {
    loss      = cross_entropy
    optimizer = sgd(lr = 0.1)
    epochs    = epochs
    batch     = 32
    shuffle   = false
}
