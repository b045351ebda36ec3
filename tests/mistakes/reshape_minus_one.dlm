layer m(x: [n, 14]) { reshape(x, [n, -1, 16]) }
let net = m()
print net(normal[2, 14])
