let net = dense(units: 3)
print net(zeros[2, 4])
