let set = data(x = [[1, 2], [3, 4]], y = [1, 2])
let net = dense(1)
train net on set {
    loss      = mse
    optimizer = sgd(lr = 0.1)
    shuffle   = True
}
