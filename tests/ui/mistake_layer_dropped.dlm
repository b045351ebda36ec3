layer m(x: [n, d]) -> [n, 10] {
    let x = x |> dense(16) |> relu
    dropout(0.5)
    x |> dense(10)
}
let net = m()
print net(zeros[2, 4])
