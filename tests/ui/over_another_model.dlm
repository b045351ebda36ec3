let f = dense(1)
let g = dense(1)
let x = normal[4, 2]
print g(x)
minimize mean(f(x) ^ 2) over g with sgd(lr = 0.1)
let loss = mean(f(x) ^ 2)
repeat 5 {
    minimize loss with sgd(lr = 0.1)
}
