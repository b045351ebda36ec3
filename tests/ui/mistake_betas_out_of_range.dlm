let net = dense(1)
repeat 3 {
    minimize mean(net(ones[2, 3]) ^ 2) with adam(lr = 0.1, beta1 = 1.9)
}
