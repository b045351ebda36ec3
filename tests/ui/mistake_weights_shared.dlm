let a = dense(3)
let b = a.copy()
print b(zeros[2, 3])
