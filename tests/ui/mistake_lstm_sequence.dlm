layer m(x: [n, t, d]) -> [n, 3] { x |> lstm(8) |> dense(3) }
let net = m()
print net(zeros[2, 5, 4])
