# A classifier of sequences: rnn of 128 units over 64 steps, mean over time, batches of 32, SGD.
hyper epochs = 5
let data = npz("../data/rnn.npz")

layer classify(x: [n, t, 32]) -> [n, 10] {
    x |> rnn(128) |> mean_over_time |> dense(10)
}

let net = classify()
load net from "../data/rnn.safetensors"
train net on data {
    loss      = cross_entropy
    optimizer = sgd(lr = 0.1)
    epochs    = epochs
    batch     = 32
    shuffle   = false
}
