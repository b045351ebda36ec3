let x = zeros[2, 3]
print sum(x, over = 2)
print mean(x, over = t)
