let classes: i32[3] = [0, 1, 1]
let set = data(x = [[0.1, 2], [1, 1], [0.5, 0]], y = classes)
layer m(x: [n, d]) -> [n, 2] { x |> dense(2) }
let net = m()
train net on set {
    loss      = cross_entropy
    optimizer = adam(lr = 0.01)
    epochs    = 6
    stop      = no_improvement(val_acc, epochs = 2)
    validate  = set
    metrics   = [accuracy]
}
