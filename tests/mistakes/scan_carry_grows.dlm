let xs = normal[10, 3]
let out = scan x in xs, s = zeros[0, 3] { concat(s, reshape(x, [1, 3]), over = 0) }
print out
