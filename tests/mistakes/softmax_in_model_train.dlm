let classes: i32[3] = [0, 1, 1]
let set = data(x = [[0.1, 2], [1, 1], [0.5, 0]], y = classes)
layer logistic(x: [n, d]) -> [n, 2] { x |> dense(2) |> softmax }
let net = logistic()
train net on set {
    loss      = cross_entropy
    optimizer = adam(lr = 0.01)
    epochs    = 1
}
