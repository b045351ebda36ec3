layer m(x: [n, t, e]) -> [n, t, e] { x |> multi_head_attention(12) }
let net = m()
print net(normal[1, 4, 1024])
