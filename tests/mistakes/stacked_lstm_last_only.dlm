layer m(x: [n, t, d]) -> [n, 2] { x |> lstm(32) |> last_over_time |> lstm(16) |> dense(2) }
let net = m()
print net(zeros[2, 10, 64])
