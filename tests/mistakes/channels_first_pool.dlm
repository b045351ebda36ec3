layer m(x: [n, 56, 56, 1]) -> [n, 2] { x |> conv2d(8, kernel = 3) |> max_pool(2) |> flatten |> dense(2) }
let net = m()
print net(normal[2, 56, 56, 1])
