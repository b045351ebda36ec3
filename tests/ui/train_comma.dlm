let set = data(x = [[1], [2]], y = [1, 2])
layer line(x: [n, d]) -> [n] {
    param w: [d] = zeros
    x @ w
}
let f = line()
train f on set { loss = mse, optimizer = sgd(lr = 0.1) }
