let x = 0.5 * normal
let set = data(x = [[1, 2], [3, 4]], y = [1, 2])
layer line(x: [n, d]) -> [n] {
    param w: [d] = zeros
    x @ w
}
let f = line()
for b in set |> batches(2) {
    minimize mse(f(b), b.y) with sgd(lr = 0.1)
}
print scan r in [1, 2], (a, b) = (0.0, 1.0) { (a + r, [a, b], b) }
