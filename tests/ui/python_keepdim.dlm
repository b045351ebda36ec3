let x = zeros[3, 4]
print mean(x, over = 1, keepdim = true)
