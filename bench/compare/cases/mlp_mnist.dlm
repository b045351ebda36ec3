# A perceptron with one hidden layer, 784-128-10, batches of 64, SGD.
hyper epochs = 5
let data = npz("../data/mlp_mnist.npz")

layer mlp(x: [n, 784]) -> [n, 10] {
    x |> dense(128) |> relu |> dense(10)
}

let net = mlp()
load net from "../data/mlp_mnist.safetensors"
train net on data {
    loss      = cross_entropy
    optimizer = sgd(lr = 0.1)
    epochs    = epochs
    batch     = 64
    shuffle   = false
}
