let x = [[1, 2, 3], [4, 5, 6]]
print x
print x + 1, x * x, x / 2
print sum(x), mean(x), max(x), min(x), prod(x)
print sum(x, over = 0), mean(x, over = 1), max(x, over = -1), argmax(x, over = 1), argmax(x)
print sum(x, over = 1, keep = true)
print x[0, ..], x[:, 1], x[.., 1:], x[-1:, :2], x[1, 2]
print concat(x, x, over = 0), stack(x, x, over = 0), stack(x, x, over = 2)
let (a, b, c) = split(x, 3, over = 1)
print a, b, c
print reshape(x, [3, 2]), reshape(x, [-1]), transpose(x)
print pad(x, left = 1, right = 2, over = 1, fill = 9)
let y[i, j] = x[j, i] * 2
print y
let z[i, j] = sum[k] x[i, k] * y[k, j]
print z, x @ y
let w[i] = x[0, i] + x[1, i + 0]
print w
let d[i < 2] = x[1, i + 1] - x[1, i]
print d
let m = max[i, j] x[i, j]
print m
let am[i] = argmax[j] x[i, j]
print am
let sm[i, j] = exp(x[i, j]) / sum[k] exp(x[i, k])
print sm, softmax(x)
let idx: i32[2] = [2, 0]
let g[i, j] = x[i, idx[j]]
print g
print where(x > 3, x, 0), x > 3, not (x > 3)
print mean(x > 3), sum(x > 3)
print 7 // 2, -7 // 2, 7 % 3, -7 % 3, 2 ^ 10, 2 ^ -1
print i32(x), f32(idx), x ^ 2, x ^ 0.5, 2 ^ x
let t = (1, [2, 3])
print "formatted {mean(x):.3} and {x} and {1 + 1}"

# A part without elements inside a padding, its reads guarded in another dimension.
let nothing = pad(normal[2, 1, 3], left = 2, right = 2, over = 2, fill = 1.0)[:, 1:, :]
print max(pad(nothing, left = 2, right = 1, over = 1, fill = 1.0), over = 2)
