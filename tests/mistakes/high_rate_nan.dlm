let x = [[100.0, 200.0], [300, 50]]
let y = [[1.0], [0.0]]
let net = dense(1)
repeat 100 { minimize mse(net(x), y) with sgd(lr = 0.1) }
