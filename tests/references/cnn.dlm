# A small convolutional network; its paths are those of the references cnn_*.safetensors.
layer cnn(x: [n, 1, 12, 12]) -> [n, 10] {
    x |> conv2d(4, kernel = 5, padding = 2) |> relu |> max_pool(2)
        |> conv2d(8, kernel = 3) |> relu |> avg_pool(2)
        |> flatten |> dense(10)
}

let net = cnn()
let data = npz("cnn_data.npz")
load net from "cnn_init.safetensors"
