# Drawing at random. Every draw is a function of the seed, the place in the program and the step.

## A class drawn with probability `softmax(logits / temperature)`, by the Gumbel maximum: `argmax(logits / temperature - log(-log(u)))`.
## Source: Gumbel, "Statistical theory of extreme values and some practical applications" (1954).
fn categorical(logits: [..s, classes], temperature = 1.0) -> i32[..s] {
    argmax(logits / temperature - log(-log(uniform[..s, classes])), over = -1)
}

## 1 with probability `p`, otherwise 0.
fn bernoulli(p: [..s]) -> [..s] {
    where(uniform[..s] < p, 1.0, 0.0)
}

## Images moved by up to `pixels` in each direction, each by a shift of its own; what enters is `fill`.
fn random_shift(x: [n, c, h, w], pixels, fill = 0) -> [n, c, h, w] {
    let padded = pad(pad(x, left = pixels, right = pixels, over = 2, fill = fill), left = pixels, right = pixels, over = 3, fill = fill)
    let down = i32(floor(uniform[n] * (2 * pixels + 1)))
    let right = i32(floor(uniform[n] * (2 * pixels + 1)))
    let row[a, i < h] = i + down[a]
    let column[a, j < w] = j + right[a]
    let y[a, k, i, j] = padded[a, k, row[a, i], column[a, j]]
    y
}

## Images mirrored left to right, each with probability `p`.
fn random_flip(x: [n, c, h, w], p = 0.5) -> [n, c, h, w] {
    let flip = uniform[n] < p
    let y[a, k, i, j] = where(flip[a], x[a, k, i, w - 1 - j], x[a, k, i, j])
    y
}
