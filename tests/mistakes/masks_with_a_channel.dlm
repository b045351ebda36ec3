let masks: i32[2, 1, 8, 8] = i32(zeros[2, 1, 8, 8])
let net = conv2d(3, kernel = 3, padding = 1)
let scores = transpose(net(normal[2, 3, 8, 8]), [0, 2, 3, 1])
print cross_entropy(scores, masks)
