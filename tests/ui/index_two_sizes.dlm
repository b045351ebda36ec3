let a = zeros[3]
let b = zeros[4]
let y[i] = a[i] + b[i]
