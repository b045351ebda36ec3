let set = data(x = [[1, 2], [3, 4]], y = [1, 2])
layer line(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }
let net = line()
train net on set {
    loss      = mse
    optimizer = sgd(0.1, 0.9)
    epochs    = 3
}
