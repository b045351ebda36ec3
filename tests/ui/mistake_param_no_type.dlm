layer f(x: [n, d]) -> [n, 3] {
    param W = zeros[d, 3]
    x @ W
}
let m = f()
print m(zeros[2, 4])
