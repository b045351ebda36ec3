let tokens = [[1.0, 2, 4], [0, 1, 2]]
let e = embedding(5, 4)
print e(tokens)
