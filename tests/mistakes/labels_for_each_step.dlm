let x = normal[4, 20, 8]
let y: i32[4] = [0, 1, 2, 0]
layer m(x: [n, t, d]) -> [n, t, 11] { x |> lstm(16) |> dense(11) }
let net = m()
minimize cross_entropy(net(x), y) with adam(lr = 0.01)
