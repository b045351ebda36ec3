let x = zeros[3, 4]
print mean(x, 1)
