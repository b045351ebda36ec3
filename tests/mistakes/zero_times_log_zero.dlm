let p = [[1.0, 0.0], [0.5, 0.5]]
let x = [[1.0, 2], [3, 4]]
let net = dense(2)
repeat 3 { minimize sum(p * log(p)) + mean(net(x) ^ 2) with sgd(lr = 0.1) }
