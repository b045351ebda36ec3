let tokens: i32[2, 3] = [[1, 2, 5], [0, 1, 2]]
let e = embedding(5, 4)
print e(tokens)
