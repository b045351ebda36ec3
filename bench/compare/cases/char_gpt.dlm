# A transformer of 4 layers, 128 wide, 4 heads, over 64 characters of 65, without biases, its head tied to the embedding; batches of 12, AdamW.
hyper epochs = 5
let data = npz("../data/char_gpt.npz")

layer norm(x: [..n, d]) -> [..n, d] {
    param gain: [d] = ones
    standardise_last(x) * gain
}

layer self_attention(heads)(x: [n, t, d]) -> [n, t, d] {
    param W_qkv: [d, 3 * d] = normal(0.02)
    param W_o: [d, d]       = normal(0.02)
    let (q, k, v) = split(reshape(x @ W_qkv, [n, t, 3 * heads, d / heads]), 3, over = 2)
    reshape(attention(q, k, v, causal = true), [n, t, d]) @ W_o
}

layer block(heads)(x: [n, t, d]) -> [n, t, d] {
    let y = x + (x |> norm() |> self_attention(heads))
    y + (y |> norm() |> projection(4 * d) |> gelu |> projection(d))
}

layer gpt(vocabulary, width, layers, heads)(tokens: i32[n, t]) -> [n, t, vocabulary] {
    param E: [vocabulary, width] = normal(0.02)
    let x0[a, i, k] = E[tokens[a, i], k]
    let x = x0 |> position_embedding(64)
    for l in 0..layers {
        let x = x |> block(heads)
    }
    (x |> norm()) @ transpose(E)
}

let net = gpt(65, 128, 4, 4)
load net from "../data/char_gpt.safetensors"
train net on data {
    loss      = fn (b) { cross_entropy(net(b.tokens), b.next) }
    optimizer = adamw(lr = 0.001, beta1 = 0.9, beta2 = 0.99, weight_decay = 0.1)
    epochs    = epochs
    batch     = 12
    shuffle   = false
}
