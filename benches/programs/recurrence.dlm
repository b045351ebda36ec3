# An LSTM over 8 steps of a batch of 8, SGD.
hyper steps = 4
let x = normal[8, 8, 16]
let y = argmax(normal[8, 10], over = -1)
layer model(x: [n, t, d]) -> [n, 10] { x |> lstm(32) |> mean_over_time |> dense(10) }
let net = model()
repeat steps {
    minimize cross_entropy(net(x), y) with sgd(lr = 0.01)
}
