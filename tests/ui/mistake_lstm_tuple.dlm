layer m(x: [n, t, d]) -> [n, t, 3] {
    let (out, h) = x |> lstm(8)
    out |> dense(3)
}
let net = m()
print net(zeros[2, 5, 4])
