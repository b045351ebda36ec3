layer m(x: [n, 80, 2, 50]) -> [n, 80, 50] { reshape(x, [n, 80, 50]) }
let net = m()
print net(normal[2, 80, 2, 50])
