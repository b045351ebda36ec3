let net = dense(3)
print net(zeros[2, 4])
save net to "w.pt"
