let x = zeros[4, 3]
let y = scan x_t in x, (a, b) = (0.0, 0.0) { a + 1 }
