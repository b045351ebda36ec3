let set = data(x = [[1, 2], [3, 4]], y = [1, 2])
train relu on set {
    loss      = mse
    optimizer = sgd(lr = 0.1)
}
