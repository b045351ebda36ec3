let a = normal[2, 4, 1]
let b = normal[3, 3]
print a @ b
