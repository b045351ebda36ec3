let X: f64[4, 2] = [[1, 2], [2, 3], [3, 4], [4, 5]]
let y: f64[4]    = [2, 3, 4, 5]
layer linear(x: f64[n, d]) -> f64[n] {
    param theta: f64[d] = zeros
    x @ theta
}
let f = linear()
repeat 1000 {
    minimize half_mse(f(X), y) with sgd(lr = 1.0)
}
print "theta {f.theta}, loss {mse(f(X), y)}"
