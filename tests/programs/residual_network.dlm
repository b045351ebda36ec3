# A residual network with batch normalisation; the widths of its blocks are a list of its configuration.
let digits = csv("../../examples/data/digits.csv") |> target("digit", classes = true) |> scale(0.0625) |> reshape(1, 8, 8)
    |> split(train = 1000, seed = 2)
layer block(channels, stride = 1)(x: [n, c, h, w]) -> [n, channels, (h - 1) // stride + 1, (w - 1) // stride + 1] {
    let y = x |> conv2d(channels, kernel = 3, padding = 1, stride = stride) |> batch_norm |> relu
        |> conv2d(channels, kernel = 3, padding = 1) |> batch_norm
    let skip = if stride == 1 and c == channels { x } else { x |> conv2d(channels, kernel = 1, stride = stride) }
    relu(y + skip)
}
layer resnet(widths, classes)(x: [n, 1, h, w]) -> [n, classes] {
    let x = x |> conv2d(widths[0], kernel = 3, padding = 1) |> batch_norm |> relu
    for width in widths {
        let x = x |> block(width, stride = if width == widths[0] { 1 } else { 2 })
    }
    x |> global_avg_pool |> dense(classes)
}
let net = resnet([8, 16, 32], 10)
train net on digits.train {
    loss      = cross_entropy
    optimizer = adamw(lr = cosine(0.01, epochs = 4))
    epochs    = 4
    batch     = 50
    augment   = fn (x) { x |> random_shift(1) }
    clip_norm = 1.0
}
print "accuracy {evaluate(net, digits.test, accuracy):.3}"
