layer m(x: [n, d]) -> [n, 3] {
    param W: [d, 3] = glorot_uniform
    W @ x
}
print m()(zeros[2, 4])
