let x = normal[4, 4]
let y: i32[4] = [0, 5, 1, 2]
let net = dense(2)
minimize cross_entropy(net(x), y) with adam(lr = 0.01)
