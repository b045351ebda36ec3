let noise = normal[4, 2]
let g = dense(2)
let d = dense(1)
minimize bce(d(g(noise)).detach(), 0) over d with adam(lr = 0.01)
