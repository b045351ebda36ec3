layer mlp(x: [n, 784]) -> [n, 10] { x |> dense(10) }
let net = mlp()
print net(zeros[784])
