let net = dense(1)
let y = net(zeros[2, 3])
print grad(mean(y), [1.0, 2.0])
