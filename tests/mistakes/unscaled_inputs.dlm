let x[i < 200, j < 1] = f32(i)
let y[i < 200, j < 1] = 2 * f32(i)
layer line(x: [n, d]) -> [n, 1] { x |> dense(1) }
let net = line()
for step in 1..=100 {
    minimize mse(net(x), y) with sgd(lr = 0.001)
}
print net.dense_1.W
