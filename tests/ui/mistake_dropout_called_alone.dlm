layer mlp(x: [n, d]) -> [n, 3] {
    let h = dropout(x, 0.5)
    h |> dense(3)
}
let m = mlp()
print m(zeros[2, 4])
