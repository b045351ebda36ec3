let net = dense(3)
print net(zeros[2, 5])
print net(zeros[2, 6])
