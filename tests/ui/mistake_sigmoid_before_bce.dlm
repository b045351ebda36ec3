let net = dense(1)
let y = zeros[4, 1]
minimize binary_cross_entropy(sigmoid(net(zeros[4, 3])), y) with sgd(lr = 0.1)
