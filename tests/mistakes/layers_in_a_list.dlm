layer m(x: [n, d]) -> [n, 4] {
    let hidden = [dense(8), dense(8), dense(4)]
    for i in 0..3 { let x = x |> hidden[i] }
    x
}
let net = m()
print net(zeros[1, 4])
