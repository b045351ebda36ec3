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
