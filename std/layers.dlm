# Fully connected layers, shape, dropout, embedding.

## A fully connected layer: `x @ W + b` on the last dimension.
layer dense(units)(x: [..n, d]) -> [..n, units] {
    param W: [d, units] = glorot_uniform
    param b: [units]    = zeros
    x @ W + b
}

## A linear map without a bias: `x @ W` on the last dimension.
layer projection(units)(x: [..n, d]) -> [..n, units] {
    param W: [d, units] = glorot_uniform
    x @ W
}

## The leaky rectifier with a slope that is learned: x where `x > 0`, otherwise `slope * x`.
## Source: He et al., "Delving deep into rectifiers" (2015).
layer prelu(x: [..s]) -> [..s] {
    param slope: [] = constant(0.25)
    where(x > 0, x, slope * x)
}

## All dimensions but the first made one: `[n, c, h, w]` becomes `[n, c * h * w]`.
fn flatten(x: [n, ..s]) {
    reshape(x, [n, -1])
}

## In training, each element is 0 with probability `p` and divided by `1 - p` otherwise; elsewhere x itself.
## Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014), in the inverted form.
layer dropout(p = 0.5)(x: [..s]) -> [..s] {
    if training {
        where(uniform[..s] < p, 0, x / (1 - p))
    } else {
        x
    }
}

## A vector of its own for each token, `E[token, :]`, whatever the dimensions of the tokens. `deviation` is that of the normal start.
layer embedding(vocabulary, units, deviation = 1.0)(tokens: i32[..s]) -> [..s, units] {
    param E: [vocabulary, units] = normal(deviation)
    let flat = reshape(tokens, [-1])
    let y[i, k] = E[flat[i], k]
    reshape(y, [..s, units])
}

## A learned vector for each position, added: `x[n, t, :] + P[t, :]`, for sequences of up to `length`.
layer position_embedding(length, deviation = 0.02)(x: [n, t, d]) -> [n, t, d] {
    param P: [length, d] = normal(deviation)
    assert t <= length, "`position_embedding({length})` has places for {length} steps, and the sequence has {t}; give it the longest sequence: `position_embedding({t})`"
    x + P[:t, :]
}
