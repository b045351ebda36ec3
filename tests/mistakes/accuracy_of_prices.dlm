let houses = data(x = [[1, 2], [3, 4], [5, 6]], y = [10.5, 20, 31.5])
layer price(x: [n, d]) -> [n] {
    x |> dense(8) |> relu |> dense(1) |> reshape([n])
}
let net = price()
train net on houses {
    loss      = mse
    optimizer = adam(lr = 0.01)
    metrics   = [accuracy]
}
