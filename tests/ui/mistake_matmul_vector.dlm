let X = [[1, 2], [2, 3], [3, 4]]
let theta = [1.0, 2.0, 3.0]
print X @ theta
