# A recurrent classifier (lstm), mean over time; its paths are those of the references lstm_*.safetensors.
layer classify(x: [n, t, 3]) -> [n, 5] {
    x |> lstm(8) |> mean_over_time |> dense(5)
}

let net = classify()
let data = npz("lstm_data.npz")
load net from "lstm_init.safetensors"
