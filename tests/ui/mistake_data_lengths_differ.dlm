let set = data(x = [[1, 2], [3, 4]], y = [1, 2, 3])
print set.x
