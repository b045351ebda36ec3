layer cnn(x: [n, h, w, c]) -> [n, 10] {
    x |> conv2d(8, kernel = 5) |> relu |> flatten |> dense(10)
}
let net = cnn()
print net(zeros[2, 28, 28, 1])
