# Linear regression on four rows of two features, the whole data in each step, SGD.
hyper epochs = 1000
let data = npz("../data/linreg_4x2.npz")

layer linear(x: [n, d]) -> [n] {
    param w: [d] = zeros
    param b: []  = zeros
    x @ w + b
}

let net = linear()
let x = data.x
let y = data.y
repeat epochs {
    minimize mse(net(x), y) with sgd(lr = 0.01)
}
