let x = [1.0, 2.0]
let (v, i) = max(x, over = 0)
print v
