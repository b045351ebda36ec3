let x = normal[12, 4, 8]
let y: i32[4] = [0, 1, 2, 0]
layer m(x: [n, t, d]) -> [n, 3] { x |> lstm(16) |> last_over_time |> dense(3) }
let net = m()
minimize cross_entropy(net(x), y) with adam(lr = 0.01)
