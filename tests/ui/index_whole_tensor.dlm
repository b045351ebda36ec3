let a = zeros[3]
let y[i] = a + a[i]
