layer net(x: [n, d]) -> [n, 10] {
    x |> dense(32) |> relu |> dropout(50) |> dense(10)
}
let f = net()
print f(normal[8, 20])
