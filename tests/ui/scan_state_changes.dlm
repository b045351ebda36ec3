let x = zeros[4, 3]
let y = scan x_t in x, h = zeros[2] { x_t }
