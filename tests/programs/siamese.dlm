# One tower applied to both sides: its weights are shared, and its gradient is the sum of both uses.
layer tower(x: [n, d]) -> [n, 2] { x |> dense(16) |> tanh |> dense(2) }
layer pair(a: [n, d], b: [n, d]) -> [n] {
    let t = tower()
    let gap = t(a) - t(b)
    sum(gap * gap, over = 1)
}
let a = [[0, 0], [0, 1], [1, 0], [1, 1], [0, 0], [1, 1]]
let b = [[1, 1], [1, 0], [0, 1], [0, 0], [0, 1], [1, 0]]
let alike = [1, 1, 1, 1, 0, 0]
let net = pair()
repeat 1500 {
    let d = net(a, b)
    minimize mean(alike * d + (1 - alike) * relu(1 - d)) with adam(lr = 0.01)
}
let right = mean((net(a, b) < 0.5) == (alike > 0.5))
print "right {right:.2}"
print "apart {max(net(a, a)):.4}"
