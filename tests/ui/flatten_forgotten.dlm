layer cnn(x: [n, c, h, w]) -> [n, 10] { x |> conv2d(4, kernel = 3) |> relu |> dense(10) }
let net = cnn()
let y: i32[2] = [0, 1]
print cross_entropy(net(zeros[2, 1, 8, 8]), y)
