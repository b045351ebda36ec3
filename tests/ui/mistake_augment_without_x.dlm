let set = data(image = [[1, 2], [3, 4]])
layer mlp(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }
let net = mlp()
train net on set {
    loss      = fn (b) { mean(net(b.image)) }
    optimizer = adam()
    augment   = fn (x) { x }
}
