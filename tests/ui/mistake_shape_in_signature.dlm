layer mlp(x: [batch, 4]) -> [batch, 3] {
    x |> dense(3)
}
let m = mlp()
print m(zeros[2, 5])
