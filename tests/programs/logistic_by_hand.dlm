# Logistic regression with the update written out: theta <- theta - lr * grad(J, theta).
let x = [[0, 1], [1, 1], [2, 1], [3, 1], [4, 1], [5, 1]]
let y = [0, 0, 0, 1, 1, 1]
layer logit(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let f = logit()
repeat 2000 {
    let g = grad(bce(f(x), y) + 0.001 * sum(f.theta * f.theta), f.theta)
    f.theta = f.theta - 0.5 * g
}
let boundary = -f.theta[1] / f.theta[0]
print "boundary {boundary:.2}, accuracy {binary_accuracy(f(x), y):.2}"
