# index notation in depth
let x = [[1, 2, 3, 4], [5, 6, 7, 8]]
let a[i, j] = x[i, j // 2]
print a
let b[i < 8] = x[i % 2, i // 2]
print b
let s[i] = sum[j] x[i, j] * x[i, j] + sum[k] x[i, k]
print s
let m[i] = mean[j] (x[i, j] - mean[k] x[i, k]) ^ 2
print m
let conv[i, j] = sum[k < 2] x[i, j + k]
print conv
let st[i, j] = sum[k < 2] x[i, 2 * j + k]
print st
let rev[i, j] = x[i, 3 - j]
print rev
let tri[i < 3, j < 3] = where(j <= i, 1.0, 0.0)
print tri
let eye[i < 3, j < 3] = f32(i == j)
print eye
let two = 2.0
let sc[i] = x[i, 0] * two + mean(x)
print sc
let act[i, j] = relu(x[i, j] - 4)
print act
let mx[i] = max[j] x[i, j] - min[j] x[i, j]
print mx
let outer[i, j, k] = x[0, i] * x[1, j] * x[0, k]
print sum(outer)
let tr = sum[i] x[i, i + 2]
print tr
let e: i32[3] = [1, 0, 1]
let emb[i, j] = x[e[i], j]
print emb
let emb2[i] = x[e[i], e[i] + 1]
print emb2
let onehot[i, c < 2] = f32(e[i] == c)
print onehot
let pr[i] = prod[j] x[i, j]
print pr

# Reductions of ones inside an expression: only a sum counts.
let tens = [10.0, 20.0]
let counted[i] = tens[i] + sum[j < 3] (1.0)
let multiplied[i] = tens[i] + prod[j < 3] (1.0)
let greatest[i] = tens[i] + max[j < 3] (1.0) + min[j < 3] (1.0)
let place[i < 2] = i + argmax[j < 3] (1.0)
let huge[i] = tens[i] + sum[j < 4294967295, k < 4294967295, l < 4294967295] (1.0)
print counted, multiplied, greatest, place, huge
