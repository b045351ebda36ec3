let net = dense(3)
let x = zeros[2, 3]
minimize net(x) with sgd(lr = 0.1)
