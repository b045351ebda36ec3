let x = zeros[2, 3]
repeat 3 { let net = dense(3)
    print net(x) }
