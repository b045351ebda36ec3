let t: i32[2] = [1.5, 2]
let u: i32[1] = [3000000000]
let v: i32[2] = [1, 2]
print v + [0.5, 1]
print t, u
