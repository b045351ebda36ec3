let net = dense(3)
print net.weight
