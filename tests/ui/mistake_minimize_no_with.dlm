let net = dense(1)
minimize mean(net(zeros[2, 3]))
