layer m(x: [n, t, d], h: [n, 30], c: [n, 30]) -> [n, t, 30] { x |> lstm(30, states = (h, c)) }
let net = m()
let x = normal[1, 100, 20]
print net(transpose(x, [1, 0, 2]), zeros[1, 30], zeros[1, 30])
