layer tagger(hidden, tags)(x: [n, t, d]) -> [n, t, tags] {
    let forward = x |> gru(hidden)
    let backward = x |> gru(hidden, reverse = true)
    concat(forward, backward) |> dense(tags)
}
let net = tagger(6, 2)
print net(zeros[4, 5, 3])
