# A number with a type is a tensor, and has a gradient.
let w: [] = 0.5
let J = w ^ 2
print grad(J, w)
fn slope(v: []) -> [] {
    let y = v ^ 3
    grad(y, v)
}
print slope(2)

# A parameter that was updated since: the gradient is by what it was when the loss was computed.
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = ones
    x @ theta
}
let f = linear()
let x = [[1, 2], [3, 4]]
let loss = mean(f(x) ^ 2)
let before = grad(loss, f.theta)
f.theta = f.theta - 0.01 * before
print before, grad(loss, f.theta), grad(mean(f(x) ^ 2), f.theta)
let (by_theta, by_x) = grad(loss, (f.theta, x))
print by_theta, by_x
