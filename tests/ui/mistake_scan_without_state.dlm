let x = zeros[4, 3]
let y = scan x_t in x { x_t }
