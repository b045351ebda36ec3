let tokens: i32[3] = [1, 2, 3]
let e = embedding(10, 4)
print e(tokens)
