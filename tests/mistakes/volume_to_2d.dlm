let net = conv2d(32, kernel = 3)
print net(zeros[1, 1, 8, 8, 8])
