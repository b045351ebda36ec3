let x = 3
let y = 1 if x > 2 else 0
print y
