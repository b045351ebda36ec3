let x = zeros[10]
print x[::2], x[0:10:2]
