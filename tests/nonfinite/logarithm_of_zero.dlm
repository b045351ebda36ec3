let x = [[1, 2], [2, 1], [0.5, 4], [3, 1]]
let y = [1, 0, 1, 1]
layer model(x: [n, d]) -> [n] {
    param w: [d] = zeros
    max(x @ w, 0)
}
let f = model()
for epoch in 1..=3 {
    repeat 10 {
        minimize -mean(y * log(f(x))) with sgd(lr = 0.1)
    }
    print "epoch {epoch}"
}
