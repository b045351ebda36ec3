let X = [[1, 2], [2, 3], [3, 4], [4, 5]]
let y = [2, 3, 4, 5]
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let f = linear()
repeat 10 {
    minimize half_mse(f(X), y) with sgd(lr = -0.01)
}
