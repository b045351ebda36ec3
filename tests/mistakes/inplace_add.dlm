layer block(x: [n, c, h, w]) -> [n, c, h, w] {
    let y = x |> conv2d(4, kernel = 3, padding = 1) |> relu
    y += x
    y
}
let net = block()
print net(normal[1, 4, 4, 4])
