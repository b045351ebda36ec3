# A layer's own name for a dimension (`units` of dense) does not hide it from the caller's name for the same size.
layer mixer(hidden)(x: [n, p, c]) -> [n, p, c] {
    let across = x |> transpose([n, c, p]) |> dense(hidden) |> gelu |> dense(p) |> transpose([n, p, c])
    let y = x + across
    y + (y |> layer_norm() |> dense(2 * c) |> gelu |> dense(c))
}
layer classify(x: [n, p, c]) -> [n, 3] {
    x |> mixer(8) |> mixer(8) |> mean(over = 1) |> dense(3)
}
let net = classify()
let x = normal[6, 5, 4]
let y: i32[6] = [0, 1, 2, 0, 1, 2]
let before = cross_entropy(net(x), y)
repeat 100 {
    minimize cross_entropy(net(x), y) with adam(lr = 0.01)
}
assert cross_entropy(net(x), y) < before / 4, "the mixer has not learned"
print "learned"
# The result of a signature speaks of the names of its inputs, whatever the body calls by them.
fn middle(x: [n, d]) -> [n, d] {
    let d = mean(x, over = 0)
    let n = 2
    x + n * d
}
print middle([[1, 2], [3, 4]])
