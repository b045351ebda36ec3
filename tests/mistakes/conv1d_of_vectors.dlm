layer m(x: [n, d]) -> [n, 4] { x |> dense(64) |> relu |> conv1d(8, kernel = 3) |> flatten |> dense(4) }
let net = m()
print net(zeros[2, 7200])
