# A U-Net takes noise off digits: convolutions halve the image, transposed ones double it, and what was seen on the way down is joined to it.
let digits = csv("../../examples/data/digits.csv") |> drop("digit") |> scale(0.0625) |> reshape(1, 8, 8) |> split(train = 1000, seed = 2)
layer down(channels)(x: [n, c, h, w]) -> [n, channels, h / 2, w / 2] {
    x |> conv2d(channels, kernel = 4, stride = 2, padding = 1) |> group_norm(2) |> silu
}
layer up(channels)(x: [n, c, h, w]) -> [n, channels, 2 * h, 2 * w] {
    x |> conv_transpose2d(channels, kernel = 4, stride = 2, padding = 1) |> group_norm(2) |> silu
}
layer unet(base)(x: [n, 1, h, w]) -> [n, 1, h, w] {
    let a = x |> conv2d(base, kernel = 3, padding = 1) |> silu
    let b = a |> down(2 * base)
    let c = b |> down(4 * base)
    let d = concat(c |> up(2 * base), b, over = 1)
    let e = concat(d |> up(base), a, over = 1)
    x + (e |> conv2d(1, kernel = 3, padding = 1))
}
let net = unet(8)
train net on digits.train {
    loss      = fn (b) { mse(net(b.x |> random_noise(0.3)), b.x) }
    optimizer = adam(lr = 0.003)
    epochs    = 3
}
let noisy = digits.test.x |> random_noise(0.3)
print "noisy {mse(noisy, digits.test.x):.4}"
print "cleaned {mse(net(noisy), digits.test.x):.4}"
