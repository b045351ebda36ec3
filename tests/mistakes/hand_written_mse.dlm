let x = normal[32, 6]
let y = normal[32]
let net = dense(1)
repeat 3 { minimize mean((net(x) - y) ^ 2) with adam(lr = 0.01) }
print mean((net(x) - y) ^ 2)
