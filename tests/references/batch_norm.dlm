# A convolution with batch normalisation (its running statistics are part of the reference); its paths are those of the references batch_norm_*.safetensors.
layer normed(x: [n, 2, 6, 6]) -> [n, 3] {
    x |> conv2d(4, kernel = 3) |> batch_norm() |> relu |> global_avg_pool |> dense(3)
}

let net = normed()
let data = npz("batch_norm_data.npz")
load net from "batch_norm_init.safetensors"
