let w = [3.0]
print grad(w ^ 2, w)
