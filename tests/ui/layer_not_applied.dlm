let net = dense(3)
print net + 1
