# Text: learns which character follows which, and writes on by itself.
# dlmc run model.dlm                      trains and writes
# dlmc run model.dlm temperature=0.3      with less variety

# Settings that the command line can change.
hyper hidden = 64
hyper rate = 0.01
hyper epochs = 6
hyper temperature = 0.7

# Windows of 48 characters; `next` is the same window one character further.
let book = text("data.txt") |> split(train = 0.9) |> windows(48, stride = 12)

layer writer(vocabulary, hidden)(tokens: i32[n, t]) -> [n, t, vocabulary] {
    tokens |> embedding(vocabulary, 16, deviation = 0.1) |> gru(hidden) |> dense(vocabulary)
}

let net = writer(book.vocabulary, hidden)
train net on book.train {
    loss      = fn (b) { cross_entropy(net(b.tokens), b.next) }
    optimizer = adam(lr = rate)
    epochs    = epochs
    batch     = 16
    seed      = 1
    clip_norm = 1.0
    validate  = book.test
}

# Each turn draws the next character from what the model expects after the last 48.
let window = scan i in 0..160, w = i32(zeros[1, 48]) {
    let logits = net(w)
    let next = categorical(logits[:, 47, :], temperature = temperature)
    concat(w[:, 1:], reshape(next, [1, 1]), over = 1)
}
print decode(window[:, 0, 47], book)
save net to "model.safetensors"
