let a = zeros[2, 3] @ zeros[2, 3]
let b = undefined_name + 1
let c = a + b
print relu(a, b, c)
print mean(zeros[3], over = 4)
