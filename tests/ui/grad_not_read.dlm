let x = [1.0, 2.0]
let y = 2 * x
let J = sum(x ^ 2)
print grad(J, y)
x = x - 0.1 * grad(J, x)
print grad(J, x)
print grad(sum(x ^ 2), x[0])
print grad(sum(2 * x), 2 * x)
