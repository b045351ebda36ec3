let x = normal[6, 4]
let y: i32[6] = [1, 2, 3, 1, 2, 3]
let net = dense(3)
repeat 2 { minimize cross_entropy(net(x), y) with adam(lr = 0.01) }
