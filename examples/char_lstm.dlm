# A recurrent network that learns the characters of a text and then writes on by itself.
# 1.2 s on two cores (AMD Zen 3).
let book = text("../std/recurrent.dlm", unknown = "?") |> split(train = 0.9) |> windows(64, stride = 16)

layer writer(vocabulary, hidden)(tokens: i32[n, t]) -> [n, t, vocabulary] {
    tokens |> embedding(vocabulary, 32, deviation = 0.1) |> lstm(hidden) |> dense(vocabulary)
}

let net = writer(book.vocabulary, 96)
train net on book.train {
    loss      = fn (b) { cross_entropy(net(b.tokens), b.next) }
    optimizer = adam(lr = 0.005)
    epochs    = 8
    batch     = 16
    seed      = 1
    clip_norm = 1.0
    validate  = book.test
}

let window = scan i in 0..200, w = i32(zeros[1, 64]) {
    let logits = net(w)
    let next = categorical(logits[:, 63, :], temperature = 0.7)
    concat(w[:, 1:], reshape(next, [1, 1]), over = 1)
}
print decode(window[:, 0, 63], book)
