let y: i32[2] = [0, 1]
let net = dense(3)
let p = argmax(net(zeros[2, 4]), over = 1)
print accuracy(p, y)
