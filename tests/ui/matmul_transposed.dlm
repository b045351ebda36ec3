let a = zeros[2, 3]
let b = zeros[2, 5]
print a @ b
