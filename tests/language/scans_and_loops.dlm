# scans, functions, control flow
let x = [[1, 2, 3], [4, 5, 6]]
print cumsum(x)
let s = scan x_t in x over 1, h = zeros[2] { h + x_t }
print s
print last(scan i in 0..5, z = 1.0 { z * 2 })
print scan i in 0..5, z = 0 { z + f32(i) }
let r = scan reverse x_t in x over 1, h = zeros[2] { h + x_t }
print r
let (p, q) = scan x_t in x over 1, (a, b) = (zeros[2], ones[2]) { (a + x_t, b * x_t) }
print p, q
let m = scan x_t in x { x_t * 2 }
print m
let total = 0.0
for i in 1..=4 { total = total + f32(i) }
print "total {total}"
let k = 0
repeat 5 { k = k + 1 }
print k
let v = 1.0
repeat until v > 100, at most 1000 { let v = v * 3 }
print v
if v > 50 { print "big" } else { print "small" }
for i in 0..3 { if i == 1 { print "one" } else { print "not one {i}" } }
fn fact(n) { if n == 0 { 1 } else { n * fact(n - 1) } }
print fact(5)
fn twice(f: fn, x) { f(f(x)) }
print twice(fn (x) { x * 3 }, x)
let w = [1.0, 2.0]
let j = sum(w * w)
print grad(j, w)
fn cube(a: []) -> [] { a ^ 3 }
let a0 = 2.0
assert total == 10, "total is {total}"
print mean([1, 2, 3, 4])
for i in 0..2 { for j in 0..2 { print "{i} {j}" } }
print "done"
