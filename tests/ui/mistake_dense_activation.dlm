layer mlp(x: [n, d]) -> [n, 3] {
    x |> dense(8, activation = relu) |> dense(3)
}
let m = mlp()
print m(zeros[2, 4])
