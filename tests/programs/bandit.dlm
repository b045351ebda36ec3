# Policy gradients (REINFORCE, with a baseline): an action is drawn, and what it brought weighs its log-probability.
let reward = [0.1, 0.5, 0.9, 0.3, 0.2]
layer policy(arms)(n) -> [n, arms] {
    param logits: [arms] = zeros
    logits + zeros[n, arms]
}
let pi = policy(5)
let baseline = 0.0
repeat 300 {
    let logits = pi(32)
    let action = categorical(stop_gradient(logits))
    let noise = normal[32]
    let r[i] = reward[action[i]] + 0.1 * noise[i]
    minimize mean((r - baseline) * nll_each(log_softmax(logits), action)) with adam(lr = 0.05)
    baseline = 0.9 * baseline + 0.1 * mean(r)
}
print "best {argmax(pi.logits)}"
print "sure {max(softmax(pi.logits)):.3}"
