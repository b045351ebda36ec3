layer net(x: [n, d]) -> [n, 1] {
    x |> dense(1)
}
let f = net()
let x = normal[8, 20]
repeat 10 {
    minimize mean(f(x) ^ 2) with adam(lr = -0.1)
}
