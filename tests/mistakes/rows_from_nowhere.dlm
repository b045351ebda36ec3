let images = normal[64, 1, 160, 160]
let real = ones[64, 1]
layer critic(x: [n, d]) -> [n, 1] { x |> dense(32) |> leaky_relu |> dense(1) }
let net = critic()
let flat = reshape(images, [-1, 64])
minimize bce(net(flat), real) with adam(lr = 0.001)
