layer unet(x: [n, 1, h, w]) -> [n, 1, h, w] {
    let a = x |> conv2d(4, kernel = 3, padding = 1) |> relu
    let b = a |> max_pool(2) |> conv2d(8, kernel = 3, padding = 1) |> relu
    let up = b |> conv_transpose2d(4, kernel = 2, stride = 2)
    concat(a, up, over = 1) |> conv2d(1, kernel = 1)
}
let net = unet()
print net(normal[1, 1, 35, 35])
