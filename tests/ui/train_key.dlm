let set = data(x = [[1, 2], [3, 4]], y = [1, 2])
layer net(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }
let m = net()
train m on set {
    loss      = mse
    optimiser = sgd(lr = 0.1)
    epoch     = 3
}
