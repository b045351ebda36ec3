let y = [[1, 0, 0], [0, 1, 0]]
let net = dense(3)
minimize cross_entropy(net(zeros[2, 5]), y) with sgd(lr = 0.1)
