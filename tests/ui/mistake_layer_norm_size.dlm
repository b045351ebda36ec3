layer m(x: [n, 64]) -> [n, 10] {
    x |> layer_norm(64) |> dense(10)
}
let net = m()
print net(zeros[2, 64])
