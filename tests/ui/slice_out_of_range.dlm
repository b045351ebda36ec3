let x = zeros[4]
print x[2:6]
print x[4]
print x[-1]
