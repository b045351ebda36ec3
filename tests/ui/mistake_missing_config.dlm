layer mlp(hidden, x: [n, d]) -> [n, 3] {
    x |> dense(hidden) |> dense(3)
}
let m = mlp(8)
print m(zeros[2, 4])
