# A convolutional network on 32x32 images of three channels, batches of 64, momentum.
hyper epochs = 5
let data = npz("../data/cnn_cifar.npz")

layer cnn(x: [n, 3, 32, 32]) -> [n, 10] {
    x |> conv2d(32, kernel = 3, padding = 1) |> relu |> conv2d(32, kernel = 3, padding = 1) |> relu |> max_pool(2)
        |> conv2d(64, kernel = 3, padding = 1) |> relu |> conv2d(64, kernel = 3, padding = 1) |> relu |> max_pool(2)
        |> flatten |> dense(256) |> relu |> dense(10)
}

let net = cnn()
load net from "../data/cnn_cifar.safetensors"
train net on data {
    loss      = cross_entropy
    optimizer = momentum(lr = 0.01, mu = 0.9)
    epochs    = epochs
    batch     = 64
    shuffle   = false
}
