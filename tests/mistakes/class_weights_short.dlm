let x = [[0.0, 0.1], [0.6, 0.8]]
let y: i32[2] = [0, 2]
let net = dense(3)
minimize cross_entropy(net(x), y, weight = [0.3, 0.7]) with adam(lr = 0.01)
