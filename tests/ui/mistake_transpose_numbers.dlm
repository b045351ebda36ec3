let x = zeros[2, 3, 4]
print transpose(x, 1, 2)
