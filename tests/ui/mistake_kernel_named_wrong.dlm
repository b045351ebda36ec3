let net = conv2d(8, kernel_size = 3)
print net(zeros[2, 1, 8, 8])
