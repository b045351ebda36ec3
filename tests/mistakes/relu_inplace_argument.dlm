layer m(x: [n, d]) -> [n, d] { x |> relu(inplace = true) |> dense(4) }
let net = m()
print net(normal[2, 4])
