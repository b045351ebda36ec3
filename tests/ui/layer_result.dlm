layer mlp(x: [n, d]) -> [n, 10] { x |> dense(12) }
let net = mlp()
print net(zeros[8, 100])
