# Newton's method for logistic regression: the system is solved by conjugate gradients, on products of the Hessian with a vector,
# which are gradients of a gradient inside of a scan.
let x = normal[60, 3]
let y = where(uniform[60] < sigmoid(x @ [1.5, -2, 0.5]), 1.0, 0.0)
let w = zeros[3]
for step in 1..=6 {
    let J = bce(x @ w, y) + 0.01 * sum(w ^ 2)
    let g = grad(J, w)
    let (v, r, p) = last(scan i in 0..3, (v, r, p) = (zeros[3], g, g) {
        let Hp = grad(sum(g * p), w)
        let size = sum(r * r)
        let alpha = size / max(sum(p * Hp), 1e-30)
        let rest = r - alpha * Hp
        (v + alpha * p, rest, rest + sum(rest * rest) / max(size, 1e-30) * p)
    })
    w = w - v
}
let slope = grad(bce(x @ w, y) + 0.01 * sum(w ^ 2), w)
print "slope {sqrt(sum(slope ^ 2)):.8}"
print "loss {bce(x @ w, y):.4}"
