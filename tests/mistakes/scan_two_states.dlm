let xs = normal[10]
let (level, trend) = scan x in xs, s = (0.0, 0.0) { (s[0] + 0.1 * x, s[1] + 0.2 * x) }
print last(level)
