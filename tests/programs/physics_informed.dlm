# A network that solves u'' = -u with u(0) = 0 and u'(0) = 1: its derivatives by its input stand in the loss.
layer u(hidden)(t: [n]) -> [n] {
    let y = reshape(t, [n, 1]) |> dense(hidden) |> tanh |> dense(hidden) |> tanh |> dense(1)
    reshape(y, [n])
}
let net = u(24)
let t[i < 40] = f32(i) / 39 * 3.14159265
let zero = [0]
repeat 1500 {
    let v = net(t)
    let slope = grad(sum(v), t)
    let bend = grad(sum(slope), t)
    let first = net(zero)
    let start = grad(sum(first), zero)
    minimize mean((bend + v) ^ 2) + 10 * sum(first ^ 2) + 10 * sum((start - 1) ^ 2) with adam(lr = 0.005)
}
print "error {max(abs(net(t) - sin(t))):.4}"
