let x = [1.0, -2.0, 3.0]
print x[x > 0]
