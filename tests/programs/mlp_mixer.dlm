# An MLP-mixer: dense layers across the patches of an image, then across the channels of each patch.
let digits = csv("../../examples/data/digits.csv") |> target("digit", classes = true) |> scale(0.0625) |> reshape(1, 8, 8)
    |> split(train = 1000, seed = 2)
fn patches(x: [n, c, h, w], size) -> [n, h / size * (w / size), c * size * size] {
    let p[a, i < h / size, j < w / size, k, u < size, v < size] = x[a, k, size * i + u, size * j + v]
    reshape(p, [n, h / size * (w / size), c * size * size])
}
layer mixer_block(across, within)(x: [n, p, c]) -> [n, p, c] {
    let y = x + (x |> layer_norm |> transpose([n, c, p]) |> dense(across) |> gelu |> dense(p) |> transpose([n, p, c]))
    y + (y |> layer_norm |> dense(within) |> gelu |> dense(c))
}
layer mixer(width, depth)(x: [n, 1, 8, 8]) -> [n, 10] {
    let x = x |> patches(2) |> dense(width)
    for i in 0..depth {
        let x = x |> mixer_block(32, 64)
    }
    x |> layer_norm |> mean(over = 1) |> dense(10)
}
let net = mixer(24, 2)
train net on digits.train {
    loss      = cross_entropy
    optimizer = adam(lr = 0.005)
    epochs    = 8
}
print "accuracy {evaluate(net, digits.test, accuracy):.3}"
