let x = normal[32, 6]
let y = normal[32]
let net = dense(1)
minimize mse(net(x), y) with adam(lr = 0.01)
