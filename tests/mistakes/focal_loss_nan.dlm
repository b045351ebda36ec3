let x = [[0.0, 200.0], [300, 0]]
let y = [[1.0], [0.0]]
let net = dense(1)
repeat 20 {
    let p = sigmoid(net(x))
    minimize -mean(y * (1 - p) ^ 0.5 * log(p)) with sgd(lr = 10.0)
}
