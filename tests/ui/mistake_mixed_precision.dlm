let x: f64[2] = [1, 2]
let y = [1.0, 2.0]
print x + y
