let net = dense(3)
print net(zeros[2, 4]).cpu().numpy()
