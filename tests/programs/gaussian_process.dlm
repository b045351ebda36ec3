# Regression by a Gaussian process: Cholesky's decomposition and the triangular system are scans, and the likelihood goes through both.
let x = uniform(-3, 3)[20]
let y = sin(x) + 0.1 * normal[20]
fn kernel(a: [n], b: [m], length: [], size: []) -> [n, m] {
    let k[i, j] = exp(2 * size - 0.5 * ((a[i] - b[j]) / exp(length)) ^ 2)
    k
}
fn cholesky(K: [n, n]) -> [n, n] {
    last(scan j in 0..n, L = zeros[n, n] {
        let v[i] = K[i, j] - sum[k] L[i, k] * L[j, k]
        let next[i, k] = where(k == j and i >= j, v[i] / sqrt(v[j]), L[i, k])
        next
    })
}
fn solve(L: [n, n], b: [n]) -> [n] {
    last(scan i in 0..n, z = zeros[n] {
        let r = (b[i] - sum(L[i, :] * z)) / L[i, i]
        let next[k] = where(k == i, r, z[k])
        next
    })
}
layer evidence(x: [n], y: [n]) -> ([], []) {
    param length: [] = zeros
    param size: []   = zeros
    param noise: []  = constant(-1.0)
    let K = kernel(x, x, length, size)
    let noisy[i, j] = K[i, j] + where(i == j, exp(2 * noise), 0)
    let L = cholesky(noisy)
    let z = solve(L, y)
    let d[i] = log(L[i, i])
    (0.5 * sum(z ^ 2) + sum(d) + 0.5 * n * log(6.2831853), max(abs(L @ transpose(L) - noisy)))
}
let f = evidence()
repeat 200 {
    let (J, gap) = f(x, y)
    minimize J with adam(lr = 0.05)
}
let (J, gap) = f(x, y)
print "gap {gap:.7}"
print "noise {exp(f.noise):.3}"
print "length {exp(f.length):.3}"
