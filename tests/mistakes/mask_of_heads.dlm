layer m(x: [n, t, e], mask: bool[k, t, t]) -> [n, t, e] { x |> multi_head_attention(4, mask = mask) }
let net = m()
let allowed = ones[8, 5, 5] == 1
print net(normal[2, 5, 16], allowed)
