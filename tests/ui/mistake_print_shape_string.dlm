let x = zeros[2, 3]
print "x has {shape(x)}"
