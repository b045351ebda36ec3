let a = zeros[3]
let t = [0.0, 1.0]
let y[i] = a[t[i]]
