# Linear regression by gradient descent: four points, 1000 steps. In double precision theta ends at [0.2635930, 0.8038788].
let X = [[1, 2], [2, 3], [3, 4], [4, 5]]
let y = [2, 3, 4, 5]

layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}

let f = linear()
repeat 1000 {
    minimize half_mse(f(X), y) with sgd(lr = 0.01)
}
print "theta {f.theta}, loss {mse(f(X), y)}"
