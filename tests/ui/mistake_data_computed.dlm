let x = normal[10, 2]
let y = x[:, 0]
let set = data(x = x, y = y)
print set.x
