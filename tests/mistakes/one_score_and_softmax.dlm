let x = [[0.0, 0.1], [0.6, 0.8], [0.1, 0.2], [0.9, 0.8]]
let y = [[0.0], [1], [0], [1]]
layer mlp(x: [n, d]) -> [n, 1] { x |> dense(8) |> tanh |> dense(1) |> softmax }
let net = mlp()
repeat 5 { minimize mse(net(x), y) with sgd(lr = 0.1) }
print net(x)
