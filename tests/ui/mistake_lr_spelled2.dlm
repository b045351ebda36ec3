let net = dense(1)
minimize mean(net(zeros[2, 3])) with adam(betas = (0.9, 0.999))
