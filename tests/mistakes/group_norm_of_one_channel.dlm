layer up(x: [n, c, h, w]) -> [n, 1, h, w] {
    x |> conv2d(1, kernel = 3, padding = 1) |> group_norm(8) |> relu
}
let net = up()
print net(zeros[1, 16, 8, 8])
