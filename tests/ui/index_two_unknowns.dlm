let a = zeros[8]
let y[i] = sum[k] a[i + k]
