int n = 3
float lr = 0.1
print n * lr
