let xs = [[1.0, 2.0], [3.0, 4.0]]
for i, x in enumerate(xs) {
    print i, x
}
