# A block of a transformer, 4 heads, on 4 sequences of 16 steps, AdamW.
hyper steps = 4
let x = normal[4, 16, 32]
let y = normal[4, 16, 32]
layer model(x: [n, t, d]) -> [n, t, d] {
    let a = x + (x |> layer_norm() |> multi_head_attention(4, causal = true))
    a + (a |> layer_norm() |> dense(2 * d) |> gelu |> dense(d))
}
let net = model()
repeat steps {
    minimize mean((net(x) - y) ^ 2) with adamw(lr = 0.001)
}
