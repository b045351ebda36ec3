let x = zeros[3, 4]
print x.sum(dim = 1)
