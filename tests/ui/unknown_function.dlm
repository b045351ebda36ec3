let x = [1.0, 2.0]
print cross_entopy(x, x)
let net = desne(3)
