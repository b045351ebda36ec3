let x = [[0.0, 0.1], [0.6, 0.8]]
let y = [[0.0], [1]]
layer mlp(x: [n, d]) -> [n, 1] { x |> dense(1) |> sigmoid }
let net = mlp()
repeat 5 { minimize bce(net(x), y) with sgd(lr = 0.1) }
