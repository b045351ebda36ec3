let x = zeros[3, 4]
print x.shape
print x.shape[0]
let n = len(x)
