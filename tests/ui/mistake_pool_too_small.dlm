layer cnn(x: [n, c, h, w]) -> [n, 10] {
    x |> conv2d(8, kernel = 3) |> max_pool(2) |> conv2d(8, kernel = 3) |> max_pool(2) |> conv2d(8, kernel = 3) |> flatten |> dense(10)
}
let net = cnn()
print net(zeros[2, 1, 8, 8])
