let net = conv2d(8)
print net(zeros[2, 1, 8, 8])
