# Tokens may have any dimensions; a token that occurs twice gathers both gradients.
let e = embedding(5, 2)
let row: i32[3]        = [0, 1, 4]
let rows: i32[2, 3]    = [[0, 1, 4], [1, 1, 0]]
let deep: i32[1, 2, 3] = [[[0, 1, 4], [1, 1, 0]]]
print max(abs(e(rows)[0, :, :] - e(row))), max(abs(e(deep)[0, :, :, :] - e(rows)))
let before = e(row)
repeat 1 { minimize sum(e(rows)) with sgd(lr = 1) }
let after = e(row)
print after - before
