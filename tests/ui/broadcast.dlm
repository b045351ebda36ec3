let a = zeros[2, 3]
let b = zeros[2, 4]
print a + b
print a * [1, 2]
