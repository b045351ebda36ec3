let x = [[1, 2], [2, 1]]
layer model(x: [n, d]) -> [n] {
    param w: [d] = zeros
    sqrt(abs(x @ w))
}
let f = model()
minimize mean(f(x)) with sgd(lr = 0.1)
print "done {f.w}"
