let x = [[1.0, 2, 3], [4, 5, 6]]
let y = [1.0, 2]
let net = dense(1)
print mse(net(x), reshape(y, [1, 2]))
