let x = zeros[3, 4]
print x ^ T @ x
