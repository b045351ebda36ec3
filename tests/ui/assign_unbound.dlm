x = 3
let y = 1.0
y = zeros[2]
