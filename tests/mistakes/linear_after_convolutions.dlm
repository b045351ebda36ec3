layer tiny_vgg(x: [n, 3, 28, 28]) -> [n, 10] {
    param W: [10, 10] = glorot_uniform
    let h = x |> conv2d(10, kernel = 3, padding = 1) |> relu |> max_pool(4) |> flatten
    h @ W
}
let net = tiny_vgg()
print net(normal[2, 3, 28, 28])
