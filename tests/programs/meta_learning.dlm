# MAML: a start from which one step of descent fits a sine of any phase. The step's gradient stands inside of the layer.
fn perceptron(x: [n], W: [u], b: [u], V: [u], c: []) -> [n] {
    let y[a] = c + sum[k] tanh(x[a] * W[k] + b[k]) * V[k]
    y
}
layer meta(u, rate)(x: [n], y: [n], x2: [n], y2: [n]) -> ([], []) {
    param W: [u] = normal
    param b: [u] = normal
    param V: [u] = normal(0.2)
    param c: []  = zeros
    let before = mse(perceptron(x, W, b, V, c), y)
    let (dW, db, dV, dc) = grad(before, (W, b, V, c))
    let after = mse(perceptron(x2, W - rate * dW, b - rate * db, V - rate * dV, c - rate * dc), y2)
    (before, after)
}
let m = meta(20, 0.1)
let first = 0.0
let last_ones = 0.0
for step in 1..=1000 {
    let phase = uniform(0, 3)[1]
    let a = uniform(-3, 3)[16]
    let b = uniform(-3, 3)[16]
    let (before, after) = m(a, sin(a + phase), b, sin(b + phase))
    minimize after with adam(lr = 0.01)
    if step > 900 {
        first = first + before / 100
        last_ones = last_ones + after / 100
    }
}
print "before {first:.4}"
print "after {last_ones:.4}"
