# Sums of products without a register tile to gain from: they are loops, and stay so.
let x = normal[64, 128]
let y = normal[64, 128]
let v = normal[128]
let dots[i] = sum[j] x[i, j] * y[i, j]
print sum(dots), grad(sum(dots * dots), x)
let through = x @ v
print sum(through), grad(sum(through * through), v)
let distance[i, k] = sum[j] (x[i, j] - y[k, j]) ^ 2
print sum(distance)
print layer_norm_op(x, v, v)
