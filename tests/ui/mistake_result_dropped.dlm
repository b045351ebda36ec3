layer m(x: [n, d]) -> [n, 10] {
    let x = dense(10)(x)
    relu(x)
    x
}
let net = m()
print net(zeros[2, 4])
relu(zeros[3])
