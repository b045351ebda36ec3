# LeNet-5 on 28x28 images, batches of 64, momentum.
hyper epochs = 5
let data = npz("../data/lenet.npz")

layer lenet(x: [n, 1, 28, 28]) -> [n, 10] {
    x |> conv2d(6, kernel = 5, padding = 2) |> relu |> max_pool(2)
        |> conv2d(16, kernel = 5) |> relu |> max_pool(2)
        |> flatten |> dense(120) |> relu |> dense(84) |> relu |> dense(10)
}

let net = lenet()
load net from "../data/lenet.safetensors"
train net on data {
    loss      = cross_entropy
    optimizer = momentum(lr = 0.01, mu = 0.9)
    epochs    = epochs
    batch     = 64
    shuffle   = false
}
