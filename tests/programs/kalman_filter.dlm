# A filter for a level that wanders and is seen through noise: both variances are found by the likelihood of its own predictions.
let level = scan i in 0..400, l = 0.0 { l + 0.5 * normal[] }
let y = level + normal[400]
layer filter(y: [t]) -> ([t], []) {
    param logq: [] = zeros
    param logr: [] = zeros
    let (m, p, cost) = scan y_t in y, (m, p, cost) = (0.0, 10.0, 0.0) {
        let prior = p + exp(logq)
        let s = prior + exp(logr)
        let gain = prior / s
        let e = y_t - m
        (m + gain * e, (1 - gain) * prior, 0.5 * (log(s) + e ^ 2 / s))
    }
    (m, mean(cost))
}
let f = filter()
repeat 300 {
    let (m, J) = f(y)
    minimize J with adam(lr = 0.05)
}
let (m, J) = f(y)
print "q {exp(f.logq):.3}"
print "r {exp(f.logr):.3}"
print "filtered {mse(m, level):.3}"
print "seen {mse(y, level):.3}"
