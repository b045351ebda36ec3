let y: i32[2, 3] = [[1, 0, 0], [0, 1, 0]]
print cross_entropy(zeros[2, 3], y)
