layer mlp(x: [n, d]) -> [n, 3] {
    let h = dense(8)
    let a = relu
    dense(3)(a)
}
let m = mlp()
print m(zeros[2, 4])
