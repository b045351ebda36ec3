let x = [1.0, 2.0]
let J = sum(x ^ 2)
for i in 0..2 {
    print grad(J, x)
    print grad(sum(J * x), x)
}
