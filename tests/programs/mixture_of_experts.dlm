# A gate weighs experts of its own weights; the gate learns where each is used.
layer mixture(experts, hidden)(x: [n, d]) -> [n] {
    param W: [experts, d, hidden] = normal(0.5)
    param b: [experts, hidden]    = zeros
    param v: [experts, hidden]    = normal(0.5)
    let gate = x |> dense(experts) |> softmax
    let h[a, e, j] = tanh(b[e, j] + sum[k] x[a, k] * W[e, k, j])
    let y[a] = sum[e, j] gate[a, e] * h[a, e, j] * v[e, j]
    y
}
let t[i < 64, k < 1] = f32(i) / 32 - 1
let target = abs(t[:, 0])
let net = mixture(3, 8)
repeat 1500 {
    minimize mse(net(t), target) with adam(lr = 0.01)
}
print "error {mse(net(t), target):.2}"
