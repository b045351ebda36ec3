let a = 1.0
let b = 2.0
let J = a * b
print grad(J, [a, b])
