let x: i32[2, 3] = [[1, 2, 3], [4, 5, 6]]
let net = dense(2)
print net(x)
