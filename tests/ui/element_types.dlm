let i: i32[3] = [1, 2, 3]
let x = [1.0, 2.0, 3.0]
print i + x
print x and x
print i / i
