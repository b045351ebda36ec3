let net = conv2d(4, kernel = 3)
print net(zeros[1, 28, 28])
