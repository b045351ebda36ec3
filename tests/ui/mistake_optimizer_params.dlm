let net = dense(1)
let opt = adam(net.parameters(), lr = 0.1)
minimize mean(net(zeros[2, 3])) with opt
