let set = data(x = [[1, 2], [3, 4]], y = [1, 2])
let m = dense(1)
train m on set { optimizer = sgd(lr = 0.1) }
