let net = dense(1)
let loss = mean(net(zeros[2, 3]))
loss.backward()
