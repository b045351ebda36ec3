let w: i32[1] = [3]
print grad(sum(w ^ 2), w)
