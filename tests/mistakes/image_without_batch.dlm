layer cnn(x: [n, 3, 32, 27]) -> [n, 4] { x |> conv2d(8, kernel = 3) |> relu |> flatten |> dense(4) }
let net = cnn()
print net(zeros[3, 32, 27])
