let net = dense(3)
let y = net(zeros[1, 2])
print net.w
