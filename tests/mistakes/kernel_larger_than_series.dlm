layer m(x: [n, 1, t]) -> [n, 2] { x |> conv1d(4, kernel = 5, stride = 5) |> relu |> conv1d(8, kernel = 5) |> flatten |> dense(2) }
let net = m()
print net(normal[2, 1, 10])
