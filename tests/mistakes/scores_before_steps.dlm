let tokens = i32(floor(uniform(0, 50)[4, 10]))
layer lm(vocabulary)(tokens: i32[n, t]) -> [n, t, vocabulary] {
    tokens |> embedding(vocabulary, 8) |> gru(16) |> dense(vocabulary)
}
let net = lm(50)
let scores = transpose(net(tokens), [0, 2, 1])
minimize cross_entropy(scores, tokens) with adam(lr = 0.001)
