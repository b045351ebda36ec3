layer cell(x: [n, d], s: [n, h]) -> [n, h] {
    param W_ih: [556, h] = glorot_uniform
    param W_hh: [h, h]   = orthogonal
    rnn_cell(x, s, W_ih, W_hh, zeros[h], zeros[h])
}
let f = cell()
print f(zeros[2, 812], zeros[2, 256])
