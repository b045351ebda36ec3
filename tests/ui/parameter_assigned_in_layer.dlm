layer f(x: [n]) -> [n] {
    param w: [n] = ones
    w = w + 1
    x * w
}
let g = f()
print g([1.0, 2.0])
