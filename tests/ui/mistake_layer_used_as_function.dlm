layer mlp(hidden)(x: [n, d]) -> [n, 3] {
    x |> dense(hidden) |> dense(3)
}
let y: i32[2] = [0, 1]
minimize cross_entropy(mlp(zeros[2, 4]), y) with sgd(lr = 0.1)
