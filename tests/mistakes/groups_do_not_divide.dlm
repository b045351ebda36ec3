layer shuffle(x: [n, c, h, w]) -> [n, 96, h, w] {
    x |> conv2d(96, kernel = 1, groups = 8)
}
let net = shuffle()
print net(zeros[1, 24, 8, 8] |> conv2d(12, kernel = 1))
