let a = zeros[3]
let y[i] = a[i - 1]
