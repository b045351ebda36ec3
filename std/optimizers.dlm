# Optimisers. Each takes a parameter `w` and the gradient `g` of the objective by it, and gives the new value of `w`.
# `state` is kept per parameter. `weight_decay` adds weight_decay * w to the gradient (L2 regularisation), except in `adamw`.

## The gradient with L2 regularisation: `g + weight_decay * w`.
fn decayed(w, g, weight_decay) {
    if weight_decay == 0 { g } else { g + weight_decay * w }
}

## Stochastic gradient descent: `w - lr * g`.
## Source: Robbins and Monro, "A stochastic approximation method" (1951).
optimizer sgd(lr, weight_decay = 0)(w, g) {
    w - lr * decayed(w, g, weight_decay)
}

## Heavy ball: `v = mu * v + g`; `w - lr * v`. PyTorch's form, in which lr does not enter v.
## Source: Polyak, "Some methods of speeding up the convergence of iteration methods" (1964).
optimizer momentum(lr, mu = 0.9, weight_decay = 0)(w, g) {
    state v = zeros
    v = mu * v + decayed(w, g, weight_decay)
    w - lr * v
}

## Nesterov's momentum: `v = mu * v + g`; `w - lr * (g + mu * v)`. PyTorch's form.
## Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning" (2013).
optimizer nesterov(lr, mu = 0.9, weight_decay = 0)(w, g) {
    state v = zeros
    let d = decayed(w, g, weight_decay)
    v = mu * v + d
    w - lr * (d + mu * v)
}

## Adam: means of the gradient and of its square, corrected for their start at 0;
## `w - lr * m̂ / (sqrt(v̂) + eps)` with `m̂ = m / (1 - beta1^t)`, `v̂ = v / (1 - beta2^t)`.
## Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.
optimizer adam(lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0)(w, g) {
    state m = zeros
    state v = zeros
    state t: [] = zeros
    let d = decayed(w, g, weight_decay)
    t = t + 1
    m = beta1 * m + (1 - beta1) * d
    v = beta2 * v + (1 - beta2) * d * d
    w - lr * (m / (1 - beta1 ^ t)) / (sqrt(v / (1 - beta2 ^ t)) + eps)
}

## Adam with decoupled weight decay: the weights shrink by `lr * weight_decay * w`, apart from the gradient.
## Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2.
optimizer adamw(lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01)(w, g) {
    state m = zeros
    state v = zeros
    state t: [] = zeros
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    w * (1 - lr * weight_decay) - lr * (m / (1 - beta1 ^ t)) / (sqrt(v / (1 - beta2 ^ t)) + eps)
}

## RMSprop: `v = decay * v + (1 - decay) * g^2`; `w - lr * g / (sqrt(v) + eps)`.
## Source: Tieleman and Hinton, "Lecture 6.5: rmsprop" (2012); PyTorch's defaults.
optimizer rmsprop(lr = 0.01, decay = 0.99, eps = 1e-8, weight_decay = 0)(w, g) {
    state v = zeros
    let d = decayed(w, g, weight_decay)
    v = decay * v + (1 - decay) * d * d
    w - lr * d / (sqrt(v) + eps)
}

## Adagrad: `v = v + g^2`; `w - lr * g / (sqrt(v) + eps)`.
## Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization" (2011).
optimizer adagrad(lr = 0.01, eps = 1e-10, weight_decay = 0)(w, g) {
    state v = zeros
    let d = decayed(w, g, weight_decay)
    v = v + d * d
    w - lr * d / (sqrt(v) + eps)
}

## Each element cut to `[-limit, limit]`.
fn clip_by_value(g: [..s], limit) -> [..s] {
    min(max(g, -limit), limit)
}

## `g` scaled down to the Euclidean norm `limit` where it is longer. (`clip_norm` of `train` clips all gradients by their common norm.)
## Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).
fn clip_by_norm(g: [..s], limit) -> [..s] {
    let norm = sqrt(sum(g * g))
    g * where(norm > limit, limit / norm, 1)
}
