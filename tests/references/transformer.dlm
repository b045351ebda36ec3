# One transformer block with the norm first, causal, and a head of its own; its paths are those of the references transformer_*.safetensors.
layer transformer(tokens: i32[n, t]) -> [n, t, 11] {
    let x = tokens |> embedding(11, 8)
    let y = x + (x |> layer_norm() |> multi_head_attention(2, causal = true))
    let z = y + (y |> layer_norm() |> dense(16) |> gelu |> dense(8))
    z |> layer_norm() |> dense(11)
}

let net = transformer()
let data = npz("transformer_data.npz")
load net from "transformer_init.safetensors"
