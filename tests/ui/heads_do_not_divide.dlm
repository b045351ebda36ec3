layer t(x: [n, t, d]) -> [n, t, d] { x |> multi_head_attention(3) }
let net = t()
print net(zeros[2, 5, 8])
