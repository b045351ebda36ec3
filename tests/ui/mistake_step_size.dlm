let net = dense(1)
repeat 3 {
    minimize mean(net(ones[2, 3]) ^ 2) with adam(lr = step_decay(0.1, step_size = 30, gamma = 0.1))
}
