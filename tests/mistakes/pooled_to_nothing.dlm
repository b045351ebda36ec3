layer m(x: [n, 1, 28, 28]) -> [n, 2] { x |> conv2d(8, kernel = 3) |> max_pool(2) |> conv2d(8, kernel = 3) |> max_pool(2) |> max_pool(2) |> max_pool(2) |> max_pool(2) |> flatten |> dense(2) }
let net = m()
print net(normal[2, 1, 28, 28])
