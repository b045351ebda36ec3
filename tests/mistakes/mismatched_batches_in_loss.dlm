let pred = normal[1, 20, 8, 8]
let target = normal[1, 1, 8, 8]
print mse(pred, target)
