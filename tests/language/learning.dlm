# Steps of descent whose results are known, in every form.
let set = data(x = [[1, 2], [2, 3], [3, 4], [4, 5], [5, 6]], y = [2, 3, 4, 5, 6])
layer line(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let one = line()
train one on set {
    loss       = half_mse
    optimizer  = momentum(lr = 0.01)
    epochs     = 4
    batch      = 1
    shuffle    = false
    accumulate = 5
}
let other = line()
train other on set {
    loss      = half_mse
    optimizer = momentum(lr = 0.01)
    epochs    = 4
    batch     = 5
    shuffle   = false
}
print "accumulated {one.theta:.5}, at once {other.theta:.5}"

# The same steps by hand.
let byhand = line()
let v = zeros[2]
repeat 4 {
    let g = grad(half_mse(byhand(set.x), set.y), byhand.theta)
    v = 0.9 * v + g
    byhand.theta = byhand.theta - 0.01 * v
}
print "by hand {byhand.theta:.5}"

# A let before an update has the value of its time; two updates in one body follow each other.
let twice = line()
let before = twice(set.x)
minimize half_mse(before, set.y) with sgd(lr = 0.01)
minimize half_mse(twice(set.x), set.y) with sgd(lr = 0.01)
print "before {before}, after {mean(abs(twice(set.x) - before)) > 0}"

# Gradients of gradients.
let z = [0.5, 1.5]
let cubes = sum(z ^ 3)
let slope = grad(cubes, z)
print slope, grad(sum(slope), z)

# Sums over a loop in a loop.
let count = 0
let best = 1.0e9
for epoch in 0..3 {
    let total = 0.0
    for b in set |> batches(2) {
        let loss = minimize half_mse(other(b.x), b.y) with sgd(lr = 0.001)
        total = total + loss
        count = count + 1
    }
    if total < best { best = total }
}
print "{count} steps, better: {best < 1.0e9}"
for row in [[1, 2], [3, 4]] { print row }

# What an optimizer calls its state does not matter, also where gradients are accumulated.
optimizer heavy_ball(lr)(w, g) {
    state accumulated = zeros
    accumulated = 0.9 * accumulated + g
    w - lr * accumulated
}
layer accumulated_line(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let accumulated = accumulated_line()
train accumulated on set {
    loss       = half_mse
    optimizer  = heavy_ball(lr = 0.01)
    epochs     = 4
    batch      = 1
    shuffle    = false
    accumulate = 5
}
print "with a state of that name {accumulated.theta:.5}"
