let x = normal[4, 30, 3]
let y = normal[4, 30, 8]
layer m(x: [n, t, d]) -> [n, t, 8] {
    param w: [8, 8] = normal
    param u: [d, 8] = normal
    scan xt in x over t, h = zeros[n, 8] { h @ w * 300000.0 + xt @ u }
}
let f = m()
repeat 3 { minimize mse(f(x), y) with sgd(lr = 0.01) }
