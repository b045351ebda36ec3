layer mlp(x: [n, d]) -> [n, 3] {
    let h = dense(x, 8)
    dense(3)(h)
}
let m = mlp()
print m(zeros[2, 4])
