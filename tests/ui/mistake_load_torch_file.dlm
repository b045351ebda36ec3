let net = dense(2)
print net(zeros[1, 3])
load net from "model.pt"
