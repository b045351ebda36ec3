fn f(x: [n, d]) -> [n] {
    param w: [d] = zeros
    x @ w
}
print f(zeros[2, 3])
