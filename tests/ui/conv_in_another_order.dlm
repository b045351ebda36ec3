layer net(x: [n, 1, 28, 28]) -> [n, 10] {
    x |> conv2d(1, 6, 5) |> relu |> conv2d(6, 16, 5) |> relu |> flatten |> dense(10)
}
let f = net()
print f(normal[8, 1, 28, 28])
