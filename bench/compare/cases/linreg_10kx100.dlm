# Linear regression on 10,000 rows of 100 features, the whole data in each step, SGD.
hyper epochs = 100
let data = npz("../data/linreg_10kx100.npz")

layer linear(x: [n, d]) -> [n] {
    param w: [d] = zeros
    param b: []  = zeros
    x @ w + b
}

let net = linear()
train net on data {
    loss      = mse
    optimizer = sgd(lr = 0.01)
    epochs    = epochs
    batch     = 10000
    shuffle   = false
}
