layer m(q: [n, t, e], k: [m, s, e]) -> [n, t, s] { softmax(q @ transpose(k, [m, e, s])) }
let net = m()
print net(normal[3, 1, 64], normal[4, 19, 64])
