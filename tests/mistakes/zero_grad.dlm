let x = [[0.0, 0.1], [0.6, 0.8]]
let net = dense(1)
let opt = adam(lr = 0.01)
repeat 3 {
    opt.zero_grad()
    minimize mean(net(x) ^ 2) with opt
}
