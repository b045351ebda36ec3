let set = data(x = [[1, 2], [3, 4]], y = [1, 2])
layer line(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }
let net = line()
train net on set {
    loss      = mse
    optimizer = sgd(lr = 0.1)
    validate  = set
    save_best = "net.h5"
}
