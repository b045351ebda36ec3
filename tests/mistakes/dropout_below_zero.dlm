layer net(x: [n, d]) -> [n, 1] { x |> dense(8) |> dropout(-10) |> dense(1) }
let f = net()
print f(ones[1, 2])
