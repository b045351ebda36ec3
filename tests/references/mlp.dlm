# A perceptron with two hidden layers; its paths are those of the references mlp_*.safetensors.
layer mlp(x: [n, 16]) -> [n, 5] {
    x |> dense(32) |> relu |> dense(32) |> relu |> dense(5)
}

let net = mlp()
let data = npz("mlp_data.npz")
load net from "mlp_init.safetensors"
