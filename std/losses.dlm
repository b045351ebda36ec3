# Losses: one number from a prediction and its target, a mean over all elements (or rows). Where `mask` is given, only the
# elements (rows) where it is true count.

## The mean of x, where `mask` is true if one is given; 0 where it is true nowhere.
fn masked_mean(x: [..s], mask: bool[..s] = none) -> [] {
    if mask == none { mean(x) } else { sum(where(mask, x, 0)) / max(sum(where(mask, 1.0, 0.0)), 1) }
}

## Mean squared error: `mean (pred - target)^2`.
fn mse(pred: [..s], target: [..s], mask: bool[..s] = none) -> [] {
    masked_mean((pred - target) ^ 2, mask = mask)
}

## Half the mean squared error, whose gradient has no factor 2.
fn half_mse(pred: [..s], target: [..s], mask: bool[..s] = none) -> [] {
    0.5 * masked_mean((pred - target) ^ 2, mask = mask)
}

## Mean absolute error: `mean |pred - target|`.
fn mae(pred: [..s], target: [..s], mask: bool[..s] = none) -> [] {
    masked_mean(abs(pred - target), mask = mask)
}

## Each element's Huber loss: `e^2 / 2` where `|e| <= delta`, otherwise `delta * (|e| - delta / 2)`.
fn huber_each(pred: [..s], target: [..s], delta = 1.0) -> [..s] {
    let e = pred - target
    let a = abs(e)
    where(a <= delta, 0.5 * e * e, delta * (a - 0.5 * delta))
}

## The mean of Huber's loss: quadratic near 0, linear beyond `delta`.
## Source: Huber, "Robust estimation of a location parameter" (1964).
fn huber(pred: [..s], target: [..s], delta = 1.0, mask: bool[..s] = none) -> [] {
    masked_mean(huber_each(pred, target, delta = delta), mask = mask)
}

## Each row's negative log likelihood: `-logp[i, label[i]]`, times `weight[label[i]]` if weights are given. Rows of `ignore_index` give 0.
fn nll_each(logp: [n, c], label: i32[n], weight: [c] = none, ignore_index = none) -> [n] {
    let valid = counted(label, ignore_index = ignore_index)
    let k = where(valid, label, 0)
    let picked[i] = -logp[i, k[i]]
    let weighed = picked * label_weights(k, logp, weight = weight)
    where(valid, weighed, 0)
}

## Whether each label counts: all do, except `ignore_index`.
fn counted(label: i32[n], ignore_index = none) -> bool[n] {
    if ignore_index == none { label == label } else { label != ignore_index }
}

## The weight of each row's class, 1 where no weights are given.
fn label_weights(label: i32[n], logp: [n, c], weight: [c] = none) -> [n] {
    if weight == none {
        ones[n]
    } else {
        let y[i] = weight[label[i]]
        y
    }
}

## The mean of `-logp[i, label[i]]` over the rows, for log-probabilities (`log_softmax`). With `weight` per class it is the weighted
## mean. Rows whose label is `ignore_index`, or where `mask` is false, do not count.
fn nll(logp: [..s, c], label: i32[..s], weight: [c] = none, ignore_index = none, mask: bool[..s] = none) -> [] {
    cross_entropy_of(reshape(logp, [-1, c]), reshape(label, [-1]), 0, weight, ignore_index, if mask == none { none } else { reshape(mask, [-1]) })
}

## Softmax cross entropy of logits with integer labels: the mean over rows of `-log softmax(logits)[label]`, computed by log-sum-exp.
## `smoothing` mixes the target with the uniform distribution: `(1 - smoothing) * onehot + smoothing / c`. `weight` per class makes it
## the weighted mean. Rows whose label is `ignore_index`, or where `mask` is false, do not count. Any number of dimensions may stand
## before the classes. A label outside 0..c stops the program.
## Source: PyTorch's `cross_entropy`; smoothing: Szegedy et al., "Rethinking the Inception architecture" (2016).
fn cross_entropy(logits: [..s, c], label: i32[..s], smoothing = 0, weight: [c] = none, ignore_index = none, mask: bool[..s] = none) -> [] {
    let logp = log_softmax(reshape(logits, [-1, c]))
    cross_entropy_of(logp, reshape(label, [-1]), smoothing, weight, ignore_index, if mask == none { none } else { reshape(mask, [-1]) })
}

## Cross entropy of rows of log-probabilities: the common part of `nll` and `cross_entropy`.
fn cross_entropy_of(logp: [n, c], label: i32[n], smoothing, weight: [c], ignore_index, mask: bool[n]) -> [] {
    if smoothing == 0 and weight == none and ignore_index == none {
        let picked[i] = -logp[i, label[i]]
        masked_mean(picked, mask = mask)
    } else {
        let w = if weight == none { ones[c] } else { weight }
        let v = counted(label, ignore_index = ignore_index)
        let valid = if mask == none { v } else { v and mask }
        let k = where(valid, label, 0)
        let picked[i] = -logp[i, k[i]] * w[k[i]]
        let spread[i] = -mean[j] logp[i, j] * w[j]
        let row = if smoothing == 0 { picked } else { (1 - smoothing) * picked + smoothing * spread }
        let share[i] = where(valid[i], w[k[i]], 0)
        let total = sum(share)
        sum(where(valid, row, 0)) / where(total == 0, 1, total)
    }
}

## Cross entropy with target distributions: the mean over rows of `-sum_j p_j * log softmax(logits)_j`.
fn soft_cross_entropy(logits: [..s, c], p: [..s, c], mask: bool[..s] = none) -> [] {
    masked_mean(-sum(p * log_softmax(logits), over = -1), mask = mask)
}

## Binary cross entropy of logits x with targets t in [0, 1]: mean of `log(1 + e^x) - t * x`, which never overflows.
fn binary_cross_entropy(logits: [..s], target: [..s], mask: bool[..s] = none) -> [] {
    masked_mean(softplus(logits) - target * logits, mask = mask)
}

## `binary_cross_entropy` by its short name.
fn bce(logits: [..s], target: [..s]) -> [] {
    mean(softplus(logits) - target * logits)
}

## `p * log(p)`, 0 where p is 0.
fn p_log_p(p: [..s]) -> [..s] {
    where(p > 0, p * log(where(p > 0, p, 1)), 0)
}

## Kullback and Leibler's divergence of the target p from the prediction q, given as `log q`: the mean over rows of `sum_j p_j * (log p_j - log q_j)`.
## Source: Kullback and Leibler, "On information and sufficiency" (1951).
fn kl(log_q: [..s, c], p: [..s, c], mask: bool[..s] = none) -> [] {
    masked_mean(sum(p_log_p(p) - p * log_q, over = -1), mask = mask)
}
