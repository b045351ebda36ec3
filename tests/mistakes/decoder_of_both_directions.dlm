layer translate(vocabulary, hidden)(source: i32[n, t], target: i32[n, u]) -> [n, u, vocabulary] {
    let memory = source |> embedding(vocabulary, 16) |> bidirectional(gru(hidden), gru(hidden, reverse = true))
    target |> embedding(vocabulary, 16) |> gru(hidden, h0 = last_over_time(memory)) |> dense(vocabulary)
}
let net = translate(20, 32)
let words = i32(floor(uniform(0, 20)[4, 6]))
print net(words, words)
