let y: i32[2] = [0, 1]
print cross_entropy(y, zeros[2, 3])
