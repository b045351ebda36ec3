layer decoder(x: [n, c, 14, 14]) -> [n, 1, 28, 28] {
    x |> conv_transpose2d(1, kernel = 3, stride = 2, padding = 1)
}
let net = decoder()
print net(zeros[2, 4, 14, 14])
