let a = 4
if a <> 4 { print "other" }
a, b = (1, 2)
for i in 0...3 { print i }
for i in 0..10 step 2 { print i }
let f = (x, y) => x * y
Print a
let i = 0
i++
let z = 1
    + 2
