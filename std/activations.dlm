# Activations. `tanh`, `sigmoid`, `exp`, `log`, `sqrt`, `erf`, `abs`, `sin`, `cos` act on each element and are part of the language.
# A function of the whole tensor takes `over`: a dimension by its name or its number, the last one where nothing is said.

## The rectifier: `max(0, x)`. Its slope at 0 is 0 (PyTorch's convention); NaN stays NaN.
## Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).
fn relu(x: [..s]) -> [..s] {
    where(x <= 0, 0, x)
}

## x where `x > 0`, otherwise `slope * x`.
## Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).
fn leaky_relu(x: [..s], slope = 0.01) -> [..s] {
    where(x > 0, x, slope * x)
}

## x where `x > 0`, otherwise `alpha * (e^x - 1)`.
## Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units" (2015).
fn elu(x: [..s], alpha = 1.0) -> [..s] {
    where(x > 0, x, alpha * (exp(where(x > 0, 0, x)) - 1))
}

## The self-normalising ELU: `scale * elu(x, alpha)` with the two constants of the paper.
## Source: Klambauer et al., "Self-normalizing neural networks" (2017).
fn selu(x: [..s]) -> [..s] {
    1.0507009873554805 * elu(x, alpha = 1.6732632423543772)
}

## The Gaussian error linear unit, exact: `x * Φ(x) = x/2 * (1 + erf(x / sqrt(2)))`.
## Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016).
fn gelu(x: [..s]) -> [..s] {
    0.5 * x * (1 + erf(x * 0.7071067811865476))
}

## The tanh form of gelu: `x/2 * (1 + tanh(sqrt(2/π) * (x + 0.044715 x^3)))`.
## Source: Hendrycks and Gimpel (2016); PyTorch's `approximate="tanh"`.
fn gelu_tanh(x: [..s]) -> [..s] {
    0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
}

## `x * sigmoid(x)`, also called swish.
## Source: Ramachandran, Zoph and Le, "Searching for activation functions" (2017).
fn silu(x: [..s]) -> [..s] {
    x * sigmoid(x)
}

## `log(1 + e^x)`, computed as `max(0, x) + log(1 + e^-|x|)`, which never overflows.
fn softplus(x: [..s]) -> [..s] {
    let a = where(x > 0, -x, x)
    where(x > 0, x, 0) + log(1 + exp(a))
}

## `x * tanh(softplus(x))`.
## Source: Misra, "Mish: a self regularized non-monotonic activation function" (2019).
fn mish(x: [..s]) -> [..s] {
    x * tanh(softplus(x))
}

## `x * min(max(x + 3, 0), 6) / 6`.
## Source: Howard et al., "Searching for MobileNetV3" (2019).
fn hardswish(x: [..s]) -> [..s] {
    where(x <= -3, 0, where(x >= 3, x, x * (x + 3) / 6))
}

## `softmax(x)_i = e^(x_i) / sum_j e^(x_j)` along `over`. The largest element is taken off first, so that nothing overflows.
fn softmax(x: [..s], over = -1) -> [..s] {
    let e = exp(x - stop_gradient(max(x, over = over, keep = true)))
    e / sum(e, over = over, keep = true)
}

## `log(softmax(x))` along `over`, without forming the quotient: `z - log(sum e^z)` with `z = x - max(x)`.
fn log_softmax(x: [..s], over = -1) -> [..s] {
    let z = x - stop_gradient(max(x, over = over, keep = true))
    z - log(sum(exp(z), over = over, keep = true))
}

## `log(sum e^x)` along `over`, which vanishes from the shape unless `keep` is true.
fn logsumexp(x: [..s], over = -1, keep = false) {
    let m = stop_gradient(max(x, over = over, keep = true))
    log(sum(exp(x - m), over = over, keep = keep)) + stop_gradient(max(x, over = over, keep = keep))
}

## Running sums over the last dimension: `y_i = x_0 + ... + x_i`.
fn cumsum(x: [..s, t]) -> [..s, t] {
    scan x_i in x over t, total = zeros[..s] {
        total + x_i
    }
}
