let x = [1.0, 2.0]
let f = sum(x ^ 4)
let g = grad(f, x)
print grad(g, x)
print grad(f)
print grad(f, x, g)
let h[i] = grad(g[i], x)[i]
