let net = dense(3)
let y: i32[2] = [0, 1]
minimize accuracy(net(zeros[2, 4]), y) with sgd(lr = 0.1)
