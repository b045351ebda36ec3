let net = dense(1)
minimize mse with sgd(lr = 0.1)
