let x = 3 * normal[90, 4]
let y = i32(uniform[90] * 3)
layer mlp(x: [n, d]) -> [n, 3] { x |> dense(8) |> relu |> dense(3) }
let net = mlp()
for epoch in 1..=4 {
    repeat 50 {
        minimize cross_entropy(net(x), y) with sgd(lr = 1e12)
    }
}
print "never"
