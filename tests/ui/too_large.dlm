print sum(zeros[4294967295, 4294967295, 4294967295])
let y[i < 4000000000, j < 4000000000] = 1.0
print pad(zeros[3], left = 9223372036854775807)
print reshape(zeros[2], [4294967295, 4294967295, -1])
let a = zeros[100000, 1, 1] + zeros[1, 1000000, 100]
