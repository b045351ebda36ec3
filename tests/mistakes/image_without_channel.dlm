layer cnn(x: [n, 57, 47]) -> [n, 40] {
    x |> conv2d(10, kernel = 5) |> relu |> max_pool(2) |> flatten |> dense(40)
}
let net = cnn()
print net(zeros[2, 57, 47])
