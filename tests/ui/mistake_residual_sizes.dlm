layer block(x: [n, d]) -> [n, d] {
    x + (x |> dense(16) |> relu)
}
let m = block()
print m(zeros[2, 8])
