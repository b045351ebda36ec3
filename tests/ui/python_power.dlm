let x = [1.0, 2.0, 3.0]
print mean(x ** 2)
