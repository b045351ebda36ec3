# A batch's rows are gathered by the step; what the program prints of it is copied for the host.
let set = data(x = [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]], y = [0, 1, 2, 3, 4])
for b in batches(set, 2) {
    print "{b.y} {sum(b.x)}"
}
for b in batches(set, 5) {
    print "{sum[i] b.x[i, 0] * b.y[i]}"
}
for b in batches(set, 5, shuffle = true, seed = 3) {
    print "{sum(b.x)} {b.y}"
}
let total = 0.0
for b in batches(set, 3, shuffle = true, seed = 1) {
    total = total + sum[i] b.x[i, 1] * f32(b.y[i])
}
print total
