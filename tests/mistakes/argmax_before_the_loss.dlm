let x = normal[16, 5]
let place = uniform[16]
layer net(x: [n, d]) -> [n, 64] { x |> dense(64) }
let f = net()
let found = 2 * f32(argmax(f(x), over = 1)) / 63 - 1
minimize mse(found, place) with adam(lr = 0.001)
