layer net(x: [n, d]) -> [n, 3] { x |> standardize |> dense(3) }
let f = net()
print f(ones[2, 4])
