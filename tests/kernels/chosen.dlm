# A choice of whole products by the summed index.
let x = normal[32, 24]
let w = normal[24, 40]
let chosen[i, j] = sum[k] where(k <= i, x[i, k] * w[k, j], 0)
print sum(chosen), grad(sum(chosen * chosen), w), grad(sum(chosen * chosen), x)
