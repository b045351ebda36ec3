fn pair(x) { (x, x + 1) }
let p = pair([1.0])
print p + 1
