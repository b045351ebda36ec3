let x = [1.0, 2.0]
let y = x * x
print grad(y, x)
