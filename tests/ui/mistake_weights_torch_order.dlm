layer lin(x: [n, d]) -> [n, 3] {
    param W: [3, d] = zeros
    x @ W
}
let m = lin()
print m(zeros[2, 4])
