layer cnn(x: [n, 3, 48, 64]) -> [n, 10] { x |> conv2d(64, kernel = 3, padding = 1) |> relu |> flatten |> dense(10) }
let net = cnn()
print net(zeros[2, 48, 64, 3])
