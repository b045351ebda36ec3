let x = zeros[3]
x[0] = 1.0
print x
