layer mlp(x: [n, d]) -> [n, 3] {
    let h = x |> dense(4, 8)
    h |> dense(8, 3)
}
let m = mlp()
print m(zeros[2, 4])
