let images = normal[2, 3, 250, 250]
layer auto(x: [n, 3, h, w]) -> [n, 3, h, w] {
    x |> conv2d(16, kernel = 11, stride = 3) |> sigmoid |> conv_transpose2d(3, kernel = 11, stride = 3)
}
let net = auto()
minimize mse(net(images), images) with adam(lr = 0.001)
