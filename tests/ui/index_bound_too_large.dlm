let a = zeros[3]
let y[i < 5] = a[i]
