layer m(tokens: i32[n, t]) -> [n, t, 8] { tokens |> embedding(10, 8) |> position_embedding(4) }
let net = m()
print net(i32(zeros[1, 6]))
