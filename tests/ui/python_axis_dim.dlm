let x = zeros[3, 4]
print softmax(x, dim = 1), sum(x, axis = 1), mean(x, dim = -1), concat(x, x, dim = 0)
