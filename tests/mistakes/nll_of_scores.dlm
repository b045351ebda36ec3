let x = [[0.0, 0.1], [0.6, 0.8]]
let y: i32[2] = [0, 1]
let net = dense(2)
repeat 3 { minimize nll(net(x), y) with sgd(lr = 0.1) }
