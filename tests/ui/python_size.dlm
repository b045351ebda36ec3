fn f(x: [n, d]) {
    let n = x.size(0)
    reshape(x, [n, -1])
}
print f(zeros[3, 4])
