layer net(x: [n, d]) -> [n] { x |> dense(8) |> relu |> dense(1) }
let f = net()
print f(ones[2, 4])
