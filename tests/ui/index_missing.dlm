let a = zeros[3, 4]
let y[i] = a[i]
