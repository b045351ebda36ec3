# Rows found by index tensors, inside and before products.
let table = normal[50, 24]
let w = normal[24, 40]
let e: i32[64] = i32(abs(normal[64]) * 7) % 50
let rows[i, k] = table[e[i], k]
let y = rows @ w
print sum(y), grad(sum(y * y), table), grad(sum(y * y), w)
let direct[i, j] = sum[k] table[e[i], k] * w[k, j]
print sum(direct), grad(sum(direct * direct), table), grad(sum(direct * direct), w)
let f: i32[24] = i32(abs(normal[24]) * 5) % 24
let permuted[i, j] = sum[k] table[i, f[k]] * w[k, j]
print sum(permuted), grad(sum(permuted * permuted), table), grad(sum(permuted * permuted), w)
