# A mixture of Gaussians by gradient of its likelihood.
let centres = [[-3, 0], [3, 0], [0, 4]]
let which = i32(floor(uniform[300] * 3))
let noise = normal[300, 2]
let x[a, i] = centres[which[a], i] + 0.7 * noise[a, i]
layer mixture(k)(x: [n, d]) -> [n] {
    param weight: [k]  = zeros
    param mu: [k, d]   = normal
    param logs: [k, d] = zeros
    let share = log_softmax(weight)
    let each[a, j] = share[j] + sum[i] (-logs[j, i] - 0.9189385 - 0.5 * ((x[a, i] - mu[j, i]) / exp(logs[j, i])) ^ 2)
    logsumexp(each)
}
let f = mixture(3)
repeat 600 { minimize -mean(f(x)) with adam(lr = 0.03) }
let gap[j, k] = sum[i] (f.mu[j, i] - centres[k, i]) ^ 2
print "far {max(sqrt(min(gap, over = 0))):.2}"
print "deviation {mean(exp(f.logs)):.2}"
