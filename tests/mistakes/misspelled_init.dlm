layer m(x: [n, d]) -> [n, d] { x |> dense(4) |> RELU }
let net = m()
print net(zeros[1, 4])
