layer m(x: [n, 1, 8, 8]) -> [n, 10] {
    x |> conv2d(8, kernel = 3) |> batch_norm(8) |> relu |> flatten |> dense(10)
}
let net = m()
print net(zeros[2, 1, 8, 8])
