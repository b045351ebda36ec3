# A recurrent classifier (gru), mean over time; its paths are those of the references gru_*.safetensors.
layer classify(x: [n, t, 3]) -> [n, 5] {
    x |> gru(8) |> mean_over_time |> dense(5)
}

let net = classify()
let data = npz("gru_data.npz")
load net from "gru_init.safetensors"
