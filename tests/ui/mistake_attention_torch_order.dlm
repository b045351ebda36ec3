layer m(x: [n, t, 64]) -> [n, t, 64] {
    x |> multi_head_attention(64, 8)
}
let net = m()
print mean(net(zeros[2, 5, 64]))
