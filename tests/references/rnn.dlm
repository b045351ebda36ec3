# A recurrent classifier (rnn), mean over time; its paths are those of the references rnn_*.safetensors.
layer classify(x: [n, t, 3]) -> [n, 5] {
    x |> rnn(8) |> mean_over_time |> dense(5)
}

let net = classify()
let data = npz("rnn_data.npz")
load net from "rnn_init.safetensors"
