print reshape(zeros[2, 3], [4, 2])
print reshape(zeros[2, 3], [4, -1])
