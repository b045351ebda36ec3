# A result is made in the place of an operand, and a parameter in that of its old version, only where no point reads what another has written:
# not by a second access, not as another shape, not by elements of another size.
fn ramp(size) {
    let r[i < size] = f32((7 * i) % 11 - 5)
    r
}
fn near(a, b) { abs(a - b) < 1e-4 * (1 + abs(b)) }

let x = reshape(ramp(900), [30, 30])
let t = exp(x @ x * 0.001)
let three = 3 * sum(t)
let y[i, j] = t[i, j] * 2 + t[j, i]
print near(sum(reshape(y, [900])), three)

let u = exp(ramp(600) * 0.1)
let squares = sum[i < 20, j < 30] (u[30 * i + j] * u[20 * j + i])
let z = reshape(u, [20, 30]) * transpose(reshape(u, [30, 20]))
print near(sum(reshape(z, [600])), squares)

let v = exp(ramp(6) * 0.1)
let first = sum(v[:3])
let w[i < 3] = f64(v[i])
print near(f32(sum(reshape(w, [3, 1]))), first)

layer matrix(x: [n]) -> [n] {
    param W: [20, 30] = zeros
    x + W[0, 0]
}
let g = matrix()
let used = g(zeros[1])
g.W = reshape(ramp(600), [20, 30])
let wanted = g.W * 0.5 + transpose(reshape(g.W + 0.0, [30, 20]))
for i in 0..1 {
    g.W = g.W * 0.5 + transpose(reshape(g.W, [30, 20]))
}
print max(abs(g.W - wanted)) < 1e-5
let before = sum(g.W ^ 2)
for i in 0..1 {
    let flat = reshape(g.W, [600])
    g.W = g.W * 0.5
    let after = sum(flat * flat)
    print near(after, before)
}
print near(sum(g.W ^ 2), before / 4)
