let x = [[1, 2], [3, 4]]
print x.shape
print x.mean()
print x.T
