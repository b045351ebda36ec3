layer m(x: [n, 1, 8, 8]) -> [n, 10] {
    x |> conv2d(4, kernel = (3, 3)) |> flatten |> dense(10)
}
let net = m()
print net(zeros[2, 1, 8, 8])
