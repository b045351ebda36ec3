# Reverse a sequence: a GRU reads, attention over what it wrote answers by position.
let u = uniform[64, 6] * 5
let x = i32(floor(u))
let y[a, i] = x[a, 5 - i]
layer s2s(x: i32[n, t]) -> [n, t, 5] {
    let keys = x |> embedding(5, 16) |> position_embedding(6, deviation = 0.5) |> gru(32)
    let queries = zeros[n, t, 32] |> position_embedding(6, deviation = 0.5) |> gru(32)
    let score[a, i, j] = sum[k] queries[a, i, k] * keys[a, j, k]
    let w = softmax(score)
    let read[a, i, k] = sum[j] w[a, i, j] * keys[a, j, k]
    concat(read, queries, over = -1) |> dense(5)
}
let net = s2s()
repeat 300 { minimize cross_entropy(net(x), y) with adam(lr = 0.01) }
print "accuracy {accuracy(net(x), y):.2}"
