"""One case in NumPy, its gradients by hand: python numpy_peer.py by_hand CASE THREADS [SECONDS]. Prints one JSON line.

The linear regressions and the perceptrons only.
"""
import numpy as np

import peer
from cases import BATCHES, CASES, build

_, NAME, _, SECONDS = peer.arguments()
CASE = CASES[NAME]


def linear(weights, rate):
    """The step of a linear regression: d mean((x w + b - y)^2) = 2/n (x^T e, sum e) with e = x w + b - y."""
    def step(x, y):
        error = x @ weights["w"] + weights["b"] - y
        slope = error * (2 * rate / len(y))
        weights["w"] -= slope @ x
        weights["b"] -= slope.sum()
        return error @ error / len(y)

    return step


def squared(out, y):
    """The mean squared error and its gradient at `out`."""
    error = out - y
    return np.mean(error * error), error * (2 / error.size)


def cross_entropy(out, y):
    """The mean of -log softmax(out)[y] and its gradient at `out`, (softmax(out) - onehot(y)) / n."""
    rows = np.arange(len(y))
    shifted = out - out.max(1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(1, keepdims=True)
    loss = np.mean(np.log(sums[:, 0]) - shifted[rows, y])
    exponentials /= sums
    exponentials[rows, y] -= 1
    exponentials /= len(y)
    return loss, exponentials


def perceptron(weights, case):
    """The step of a perceptron with SGD or, where the case says `mu`, momentum: v = mu v + g, w = w - rate v."""
    layers = range(1, len(case["sizes"]))
    rate, mu, tanh = case["rate"], case.get("mu", 0.0), case["act"] == "tanh"
    objective = squared if case.get("loss") == "mse" else cross_entropy
    velocity = {name: np.zeros_like(value) for name, value in weights.items()}

    def update(name, gradient):
        if mu:
            velocity[name] *= mu
            velocity[name] += gradient
            gradient = velocity[name]
        weights[name] -= rate * gradient

    def step(x, y):
        inputs = [x]
        for layer in layers:
            out = inputs[-1] @ weights[f"net.dense_{layer}.W"] + weights[f"net.dense_{layer}.b"]
            if layer < len(layers):
                inputs.append(np.tanh(out, out=out) if tanh else np.maximum(out, 0, out=out))
        loss, slope = objective(out, y)
        for layer in reversed(layers):
            x, matrix = inputs[layer - 1], weights[f"net.dense_{layer}.W"]
            before = slope @ matrix.T if layer > 1 else None
            update(f"net.dense_{layer}.W", x.T @ slope)
            update(f"net.dense_{layer}.b", slope.sum(0))
            if before is not None:
                before *= 1 - x * x if tanh else x > 0
                slope = before
        return loss

    return step


def main():
    weights, fields = build(NAME)
    if CASE["kind"] not in ("linear", "mlp"):
        raise SystemExit(f"{NAME} is not written by hand")
    step = linear(weights, CASE["rate"]) if CASE["kind"] == "linear" else perceptron(weights, CASE)
    count = 1 if CASE["kind"] == "linear" else BATCHES
    batches = list(zip(*(np.split(field, count) for field in fields.values())))
    done = 0

    def advance(steps):
        nonlocal done
        for _ in range(steps):
            loss = step(*batches[done % count])
            done += 1
        return float(loss)

    peer.report(advance, CASE["check"], SECONDS)


main()
