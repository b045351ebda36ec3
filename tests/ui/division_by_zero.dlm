let n = 4
print zeros[n / 0]
print zeros[n / 3]
print zeros[0 - 1]
