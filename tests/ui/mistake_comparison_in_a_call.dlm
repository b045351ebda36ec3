let c = [1, 2]
let A[i, j] = where(c[i] = c[j], 1, 0)
