let a = [1.0, 2, 3]
let b = [4.0, 5, 6]
let c: [3, 3] = a @ b
print c
