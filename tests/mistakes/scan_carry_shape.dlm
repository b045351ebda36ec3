let xs = normal[10, 3]
let out = scan x in xs, s = 0.0 { s + x }
print last(out)
