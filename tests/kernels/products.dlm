# Products as papers write them: every one is a contraction, forward and backward.
let x = normal[32, 24]
let w = normal[24, 40]
let m = normal[24]
let s = normal[40]
let y = x @ w
print sum(y), grad(sum(y * y), x), grad(sum(y * y), w)

# Batched, and each operand transposed.
let a = normal[8, 16, 24]
let b = normal[8, 24, 20]
let batched[n, i, j] = sum[k] a[n, i, k] * b[n, k, j]
print sum(batched), grad(sum(batched * batched), a), grad(sum(batched * batched), b)
let transposed[j, i] = sum[k] w[k, j] * x[i, k]
print sum(transposed), grad(sum(transposed * transposed), w)

# Work on the operands, factors that no summed index moves, signs and quotients.
let rectified[i, j] = sum[k] relu(x[i, k]) * w[k, j]
print sum(rectified), grad(sum(rectified * rectified), x), grad(sum(rectified * rectified), w)
let centred[i, j] = sum[k] (x[i, k] - m[k]) * w[k, j]
print sum(centred), grad(sum(centred * centred), m)
let scaled[i, j] = sum[k] -x[i, k] * w[k, j] * s[j] / 3
print sum(scaled), grad(sum(scaled * scaled), s)
let three[i, j] = sum[k] x[i, k] * m[k] * w[k, j]
print sum(three), grad(sum(three * three), m), grad(sum(three * three), x)
let masked[i, j] = sum[k] where(k <= i, x[i, k], 0) * w[k, j]
print sum(masked), grad(sum(masked * masked), w)

# Two contractions under one sum.
let v = normal[24, 40]
let both[i, j] = sum[k] (x[i, k] * w[k, j] + m[k] * x[i, k] * v[k, j])
print sum(both), grad(sum(both * both), x)

# Three tensors, a trace of a product, an outer product, a bilinear form.
let c = normal[40, 12]
let chain = x @ w @ c
print sum(chain), grad(sum(chain * chain), w)
let once[i, l] = sum[k, j] x[i, k] * w[k, j] * c[j, l]
print sum(once)
let u = normal[32, 40]
let bilinear[i] = sum[k, j] x[i, k] * w[k, j] * u[i, j]
print sum(bilinear), grad(sum(bilinear * bilinear), w)

# In f64.
let p: f64[32, 24] = f64(x)
let q: f64[24, 40] = f64(w)
let exact[i, j] = sum[k] p[i, k] * q[k, j]
print sum(exact), grad(sum(exact * exact), p), grad(sum(exact * exact), q)
