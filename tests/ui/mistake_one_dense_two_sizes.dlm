layer mlp(x: [n, d]) -> [n, 8] {
    let fc = dense(8)
    x |> fc |> relu |> fc
}
let m = mlp()
print m(zeros[2, 4])
