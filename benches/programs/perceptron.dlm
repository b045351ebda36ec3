# A perceptron with one hidden layer on a batch of 32, SGD.
hyper steps = 4
let x = normal[32, 64]
let y = argmax(normal[32, 10], over = -1)
layer model(x: [n, d]) -> [n, 10] { x |> dense(48) |> relu |> dense(10) }
let net = model()
repeat steps {
    minimize cross_entropy(net(x), y) with sgd(lr = 0.01)
}
