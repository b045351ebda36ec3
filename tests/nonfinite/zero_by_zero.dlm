let x = [[1, 2], [2, 1], [0.5, 4], [3, 1]]
layer model(x: [n, d]) -> [n] {
    param w: [d] = [-0.1, -0.2]
    relu(x @ w)
}
let f = model()
repeat until loss < 1e-9, at most 500 {
    let p = f(x)
    let loss = minimize mean((p / sum(p) - 0.25) ^ 2) with sgd(lr = 0.01)
}
print "w {f.w}"
