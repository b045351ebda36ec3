# Normalisations.

## Mean and variance (divided by the count) of each channel.
fn channel_moments(x: [n, c, m]) -> ([c], [c]) {
    let mu[f] = mean[i, k] x[i, f, k]
    let variance[f] = mean[i, k] (x[i, f, k] - mu[f]) ^ 2
    (mu, variance)
}

## The variance divided by the count less one, from the one divided by the count.
fn unbiased(variance: [c], x: [n, c, m]) -> [c] {
    assert n * m > 1, "`batch_norm` is given one value for each channel, whose deviation is 0; train with batches of several rows, of which none is left alone at the end, or take `layer_norm`"
    variance * (n * m) / max(n * m - 1, 1)
}

## `gamma * (x - mu) / sqrt(variance + eps) + beta`, channel by channel.
fn normalise_channels(x: [n, c, m], mu: [c], variance: [c], gamma: [c], beta: [c], eps) -> [n, c, m] {
    let scale[f] = gamma[f] / sqrt(variance[f] + eps)
    let y[i, f, k] = (x[i, f, k] - mu[f]) * scale[f] + beta[f]
    y
}

## Batch normalisation with the statistics of this batch: the function of `batch_norm` in training.
fn batch_norm_op(x: [n, c, ..s], gamma: [c], beta: [c], eps = 1e-5) -> [n, c, ..s] {
    let z = reshape(x, [n, c, -1])
    let (mu, variance) = channel_moments(z)
    reshape(normalise_channels(z, mu, variance, gamma, beta, eps), [n, c, ..s])
}

## Each channel shifted and scaled to mean 0 and variance 1 over the batch, then by the learned gamma and beta: `gamma * (x - mu) / sqrt(variance + eps) + beta`. Training also
## moves the running statistics by `momentum` (the variance divided by count - 1, as in PyTorch); elsewhere they take the batch's place.
## Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift" (2015).
layer batch_norm(momentum = 0.1, eps = 1e-5)(x: [n, c, ..s]) -> [n, c, ..s] {
    param gamma: [c] = ones
    param beta: [c]  = zeros
    state running_mean: [c] = zeros
    state running_var: [c]  = ones
    let z = reshape(x, [n, c, -1])
    if training {
        let (mu, variance) = channel_moments(z)
        running_mean = (1 - momentum) * running_mean + momentum * mu
        running_var = (1 - momentum) * running_var + momentum * unbiased(variance, z)
        reshape(normalise_channels(z, mu, variance, gamma, beta, eps), [n, c, ..s])
    } else {
        reshape(normalise_channels(z, running_mean, running_var, gamma, beta, eps), [n, c, ..s])
    }
}

## `(x - mean) / sqrt(variance + eps)` over the last dimension.
fn standardise_last(x: [..n, d], eps = 1e-5) -> [..n, d] {
    let z = x - mean(x, over = -1, keep = true)
    z / sqrt(mean(z * z, over = -1, keep = true) + eps)
}

## The function of `layer_norm`: normalises over the last dimension, then `gamma * x + beta`.
fn layer_norm_op(x: [..n, d], gamma: [d], beta: [d], eps = 1e-5) -> [..n, d] {
    standardise_last(x, eps = eps) * gamma + beta
}

## Each row of the last dimension shifted and scaled to mean 0 and variance 1, then by the learned gamma and beta: `gamma * (x - mean(x)) / sqrt(var(x) + eps) + beta`.
## Source: Ba, Kiros and Hinton, "Layer normalization" (2016).
layer layer_norm(eps = 1e-5)(x: [..n, d]) -> [..n, d] {
    param gamma: [d] = ones
    param beta: [d]  = zeros
    layer_norm_op(x, gamma, beta, eps = eps)
}

## The function of `group_norm`: normalises the channels of each group together, for every example apart.
fn group_norm_op(x: [n, c, ..s], groups, gamma: [c], beta: [c], eps = 1e-5) -> [n, c, ..s] {
    let grouped = reshape(x, [n, groups, c / groups, -1])
    let z = reshape(standardise_last(reshape(grouped, [n, groups, -1]), eps = eps), [n, c, -1])
    let y[i, f, k] = z[i, f, k] * gamma[f] + beta[f]
    reshape(y, [n, c, ..s])
}

## Normalises the channels of each group together, for every example apart; then the learned gamma and beta of each channel: `gamma * (x - mu) / sqrt(variance + eps) + beta`.
## Source: Wu and He, "Group normalization" (2018).
layer group_norm(groups, eps = 1e-5)(x: [n, c, ..s]) -> [n, c, ..s] {
    param gamma: [c] = ones
    param beta: [c]  = zeros
    group_norm_op(x, groups, gamma, beta, eps = eps)
}
