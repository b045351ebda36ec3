let p = normal[3]
let correct = p > 0
print correct + p
