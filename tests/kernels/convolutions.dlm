# Convolutions in every form, forward and backward.
let x = normal[4, 6, 12, 12]
let w = normal[8, 6, 3, 3]
let plain = conv2d_op(x, w)
print sum(plain), grad(sum(plain * plain), x), grad(sum(plain * plain), w)
let padded = conv2d_op(x, w, padding = 1)
print sum(padded), grad(sum(padded * padded), x), grad(sum(padded * padded), w)
let strided = conv2d_op(x, w, stride = 2, padding = 1)
print sum(strided), grad(sum(strided * strided), x), grad(sum(strided * strided), w)
let dilated = conv2d_op(x, w, dilation = 2)
print sum(dilated), grad(sum(dilated * dilated), x), grad(sum(dilated * dilated), w)
let wg = normal[8, 3, 3, 3]
let grouped = conv2d_op(x, wg, groups = 2)
print sum(grouped), grad(sum(grouped * grouped), x), grad(sum(grouped * grouped), wg)
let rectified = conv2d_op(relu(x), w, padding = 1)
print sum(rectified), grad(sum(rectified * rectified), x)

let wt = normal[6, 5, 3, 3]
let spread = conv_transpose2d_op(x, wt, stride = 2, padding = 1)
print sum(spread), grad(sum(spread * spread), x), grad(sum(spread * spread), wt)

let t = normal[4, 6, 50]
let k = normal[8, 6, 5]
let line = conv1d_op(t, k, padding = 2)
print sum(line), grad(sum(line * line), t), grad(sum(line * line), k)
let steps = conv1d_op(t, k, stride = 3, dilation = 2)
print sum(steps), grad(sum(steps * steps), t), grad(sum(steps * steps), k)
let back = normal[6, 4, 4]
let longer = conv_transpose1d_op(t, back, stride = 2)
print sum(longer), grad(sum(longer * longer), t), grad(sum(longer * longer), back)
