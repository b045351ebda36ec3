layer critic(x: [n, 3, h, w]) -> [n, 1, h // 4, w // 4] {
    x |> conv2d(8, kernel = 4, stride = 2, padding = 1) |> leaky_relu |> conv2d(1, kernel = 4, stride = 2, padding = 1)
}
let net = critic()
let real = ones[20]
minimize bce(net(normal[20, 3, 52, 52]), real) with adam(lr = 0.0002)
