let net = dense(1)
repeat 3 {
    minimize mean(net(ones[2, 3]) ^ 2) with sgd(lr = 0.1, momentum = 0.9)
}
