let x = zeros[2, 12]
print reshape(x, 2, 3, 4)
