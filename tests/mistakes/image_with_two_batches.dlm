layer cnn(x: [n, 3, 20, 20]) -> [n, 4] { x |> conv2d(8, kernel = 3) |> relu |> flatten |> dense(4) }
let net = cnn()
print net(zeros[2, 1, 3, 20, 20])
