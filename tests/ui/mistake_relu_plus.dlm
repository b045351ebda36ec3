layer mlp(x: [n, d]) -> [n, 3] {
    relu + dense(3)(x)
}
let m = mlp()
print m(zeros[2, 4])
