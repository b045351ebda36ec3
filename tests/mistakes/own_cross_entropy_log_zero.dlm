let x = [[0.0, 200.0], [300, 0]]
let y = [[0.0, 1.0], [1.0, 0.0]]
let net = dense(2)
repeat 50 { minimize -mean(sum(y * log(softmax(net(x))), over = 1)) with sgd(lr = 1.0) }
