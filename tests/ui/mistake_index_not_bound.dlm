let x = [[1, 2], [3, 4]]
let y[i] = x[i, j] * x[i, j] + x[0, j]
let z = normal[n, 3]
