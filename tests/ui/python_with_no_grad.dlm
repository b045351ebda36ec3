let net = dense(3)
with torch.no_grad():
    print net(zeros[2, 4])
