let x = [1.0, 2.0]
minimize sum(x * x) with sgd(lr = 0.1)
