let net = conv2d(4, kernel = 3)
let x = zeros[8, 784]
print net(x)
