let net = dense()
print embedding(10)
