# What a configuration reads is of this application, not of the first; a value that is kept for later steps is one of theirs.
layer scaled(s)(x: [n]) -> [n] {
    param w: [] = ones
    x * s * w
}
layer by_its_sum(x: [n]) -> [n] { x |> scaled(sum(x)) }
layer mapped(g: fn)(x: [n]) -> [n] {
    param w: [] = ones
    g(x * w)
}
layer by_a_function(x: [n]) -> [n] {
    let t = sum(x)
    x |> mapped(fn (z) { z * t })
}
let f = by_its_sum()
let g = by_a_function()
print f([1, 1, 1]), f([2, 2, 2])
print g([1, 1, 1]), g([2, 2, 2])
repeat 2 { minimize sum(f([1, 2])) + sum(g([1, 2])) with sgd(lr = 0) }
print f([1, 2]), g([1, 2])

let s = [1, 2, 3]
let h = scaled(sum(s) * 2)
fn times(t) { fn (x) { x * t } }
let twice_the_sum = times(sum(s) * 2)
print h([1, 1]), twice_the_sum([1, 1])
repeat 2 { minimize sum(h([1, 2])) with sgd(lr = 0) }
print h([1, 1]), twice_the_sum([1, 1])
let set = data(x = [[1], [2]], y = [1, 2])
train h on set { loss = fn (b) { sum(times(sum(s) * 2)(h(reshape(b.x, [-1])))) }; optimizer = sgd(lr = 0); epochs = 2 }
print h([1, 1])

fn weighted(k) { fn (p, y) { k * mse(p, y) } }
layer plain(x: [n, 1]) -> [n] {
    param w: [] = ones
    w * x[:, 0]
}
let p = plain()
train p on set { loss = weighted(sum(s)); optimizer = sgd(lr = 0); metrics = [weighted(sum(s) * 2)] }
print evaluate(p, data(x = [[1], [2]], y = [2, 2]), weighted(sum(s) * 2))
fn descent(rate) { sgd(lr = rate * 2) }
let slow = descent(sum(s) / 60)
repeat 2 { minimize sum(h([1, 2])) with slow }
repeat 2 { minimize sum(h([1, 2])) with slow }
# The slope is 12 (1 + 2), the rate 0.2, and there are four steps.
print h([1, 0]), 12 * (1 - 4 * 0.2 * 36)

# Several sizes: a list or a tuple, walked or indexed.
layer tower(widths)(x: [n, d]) -> [n, 2] {
    for w in widths {
        let x = x |> dense(w) |> tanh
    }
    let last = (5, 2)
    for i in 0..2 {
        let x = x |> dense(widths[i]) |> dense(last[i])
    }
    x
}
let t = tower([8, 4])
print sum(t(zeros[3, 2]))
print t
fn sums(x: [n]) -> [n] {
    let s = zeros[n]
    for (y, k) in ((x, 2), (x ^ 2, 10)) { s = s + k * y }
    for y in [x, x] { s = s + y }
    s
}
print sums([1, 2])
