let net = dense(1)
let y = ones[2, 1]
repeat 3 {
    minimize bce_with_logits(net(ones[2, 3]), y) with sgd(lr = 0.1)
}
