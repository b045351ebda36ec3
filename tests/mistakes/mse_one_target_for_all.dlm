let x = normal[1, 6]
let y = uniform[8, 18]
let net = dense(18)
minimize mse(net(x), y) with adam(lr = 0.01)
