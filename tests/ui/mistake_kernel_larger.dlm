let net = conv2d(8, kernel = 5)
print net(zeros[2, 1, 4, 4])
