# Gradients inside of a scan: of what the scan's body computes, and of what was computed before it.
let a = [[3, 1], [1, 2]]
let w = [1, -1]
let J = 0.5 * w @ (a @ w) + sum(w ^ 4)
let g = grad(J, w)
# The Hessian is a + diag(12 w^2), row by row; of what stands outside, of what stands in the body, and of a gradient of a gradient.
print scan i in 0..2, h = zeros[2] {
    let e[k < 2] = f32(k == i)
    grad(sum(g * e), w)
}
print scan i in 0..2, h = zeros[2] {
    let e[k < 2] = f32(k == i)
    let inner = grad(0.5 * w @ (a @ w) + sum(w ^ 4), w)
    grad(sum(inner * e), w)
}
print scan i in 0..2, h = zeros[2] {
    let e[k < 2] = f32(k == i)
    last(scan j in 0..1, r = zeros[2] { grad(sum(g * e), w) })
}
# The third derivative, 24 w on the diagonal; and a derivative of the scan's result by w.
print scan i in 0..2, h = zeros[2] {
    let e[k < 2] = f32(k == i)
    grad(sum(grad(sum(g * e), w) * e), w)
}
let through = last(scan i in 0..2, s = 0.0 {
    let e[k < 2] = f32(k == i)
    s + sum(grad(sum(g * e), w) * e)
})
print through, grad(through, w)
# A gradient by another variable, taken outside, is differentiated in the body.
let u = [2, 3]
let mixed = grad(sum(u ^ 2 * w ^ 3), u)
print last(scan i in 0..1, h = zeros[2] { grad(sum(mixed), w) }), 6 * u * w ^ 2
print last(scan i in 0..1, h = zeros[2] { grad(sum(stop_gradient(g) * w), w) }), g
# Newton's method, the system solved by conjugate gradients on products with the Hessian.
let z = [0.6, 0.4]
for step in 1..=8 {
    let loss = 0.5 * z @ (a @ z) - sum(z) + sum(z ^ 4)
    let d = grad(loss, z)
    let (v, r, p) = last(scan i in 0..2, (v, r, p) = (zeros[2], d, d) {
        let product = grad(sum(d * p), z)
        let size = sum(r * r)
        let alpha = size / max(sum(p * product), 1e-30)
        let rest = r - alpha * product
        (v + alpha * p, rest, rest + sum(rest * rest) / max(size, 1e-30) * p)
    })
    z = z - v
}
let slope = a @ z - 1 + 4 * z ^ 3
print "{z:.5} {max(abs(slope)) < 1e-6}"
# The same from within a scan: what is differentiated by is its state.
let root = last(scan step in 0..8, z = [0.6, 0.4] {
    let d = grad(0.5 * z @ (a @ z) - sum(z) + sum(z ^ 4), z)
    let H = scan i in 0..2, h = zeros[2] {
        let e[k < 2] = f32(k == i)
        grad(sum(d * e), z)
    }
    let det = H[0, 0] * H[1, 1] - H[0, 1] * H[1, 0]
    z - stack((H[1, 1] * d[0] - H[0, 1] * d[1]) / det, (H[0, 0] * d[1] - H[1, 0] * d[0]) / det, over = 0)
})
print "{root:.5}"
