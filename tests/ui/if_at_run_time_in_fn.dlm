fn f(x: []) { if x > 0 { x } else { 0 - x } }
let y = [1.0]
print f(sum(y))
