layer lin(x: [n, d]) -> [n, 3] {
    param W: [d, 3] = zeros
    param b: [d]    = zeros
    x @ W + b
}
let m = lin()
print m(zeros[2, 4])
