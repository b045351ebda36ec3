let y: i32[2] = [0, 1]
let x = zeros[2, 5]
let net = dense(3)
minimize cross_entropy(softmax(net(x)), y) with sgd(lr = 0.1)
