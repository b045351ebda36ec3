# Constants are compared as an `f32` holds them, whether they are folded or not.
let a: []     = 0.1
let b: []     = 0.1000000001
let least: [] = 1e-50
print a < b, a == b, f64(a) == f64(b)
print zeros[2] == 1e-50, least == 0, least < 1e-45
