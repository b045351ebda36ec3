layer block(heads)(x: [n, t, e]) -> [n, t, e] { x + (x |> layer_norm |> multi_head_attention(heads, causal = true)) }
layer gpt(layers, heads)(x: [n, t, e]) -> [n, t, e] {
    for i in 0..layers { let x = x |> block(heads) }
    x
}
let net = gpt(25, 48)
print net(normal[1, 4, 1600])
