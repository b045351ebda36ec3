layer m(x: [n, t]) -> [n, 1] { x |> lstm(16) |> last_over_time |> dense(1) }
let net = m()
print net(zeros[30, 12])
