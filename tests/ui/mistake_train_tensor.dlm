let x = [[1.0], [2.0]]
let net = dense(1)
train net on x {
    loss      = mse
    optimizer = adam()
}
