let x = zeros(2, 3)
let y = ones((2, 3))
let z = normal(4)
print x, y, z
