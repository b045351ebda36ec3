# A small transformer that learns the characters of a text and then writes on by itself.
# 2.4 s on two cores (AMD Zen 3).
let book = text("../std/recurrent.dlm", unknown = "?") |> split(train = 0.9) |> windows(64, stride = 16)

layer block(heads)(x: [n, t, d]) -> [n, t, d] {
    let y = x + (x |> layer_norm() |> multi_head_attention(heads, causal = true))
    y + (y |> layer_norm() |> dense(4 * d) |> gelu |> dense(d))
}

layer gpt(vocabulary, width, layers, heads)(tokens: i32[n, t]) -> [n, t, vocabulary] {
    let x = tokens |> embedding(vocabulary, width, deviation = 0.02) |> position_embedding(64)
    for i in 0..layers {
        let x = x |> block(heads)
    }
    x |> layer_norm() |> dense(vocabulary)
}

let net = gpt(book.vocabulary, 64, 2, 4)
train net on book.train {
    loss      = fn (b) { cross_entropy(net(b.tokens), b.next) }
    optimizer = adamw(lr = cosine(0.003, epochs = 6), weight_decay = 0.01)
    epochs    = 6
    batch     = 16
    seed      = 1
    clip_norm = 1.0
    validate  = book.test
}

let window = scan i in 0..200, w = i32(zeros[1, 64]) {
    let logits = net(w)
    let next = categorical(logits[:, 63, :], temperature = 0.8)
    concat(w[:, 1:], reshape(next, [1, 1]), over = 1)
}
print decode(window[:, 0, 63], book)
