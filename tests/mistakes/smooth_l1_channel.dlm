let depth = uniform[2, 16, 16]
let net = conv2d(1, kernel = 3, padding = 1)
minimize huber(net(normal[2, 3, 16, 16]), depth) with adam(lr = 0.01)
