hyper lr: 0.1
let hyper = 3
