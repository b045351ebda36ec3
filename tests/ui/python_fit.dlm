let net = dense(1)
net.fit([[1.0], [2.0]], [1.0, 2.0], epochs = 5)
