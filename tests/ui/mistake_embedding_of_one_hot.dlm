let x = zeros[2, 5, 10]
let e = embedding(10, 4)
print e(x)
