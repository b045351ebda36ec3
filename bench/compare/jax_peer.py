"""One case in JAX: python jax_peer.py MODE CASE THREADS [SECONDS]. Prints one JSON line.

MODE jit compiles one step and calls it with a batch; MODE scan compiles a loop over steps, so that one call trains many. Either way
the state is donated and the batches are arguments. Images are [n, height, width, channels] and pooling is a maximum over a reshaped
axis, recurrences are lax.scan: the forms that ran fastest on CPUs.
"""
import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import peer
from cases import BATCHES, CASES, build

MODE, NAME, THREADS, SECONDS = peer.arguments()
CASE = CASES[NAME]
KIND = CASE["kind"]


def prepare():
    """The case's weights and batches [batch, ...], those of convolutions with their channels last."""
    weights, fields = build(NAME)
    count = 1 if KIND == "linear" else BATCHES
    x, y = (np.stack(np.split(field, count)) for field in fields.values())
    if KIND == "cnn":
        x = x.transpose(0, 1, 3, 4, 2)
        channels = [layer for layer in CASE["convs"] if layer != "pool"][-1][0]
        for name in weights:
            if "conv2d" in name and name.endswith(".W"):
                weights[name] = weights[name].transpose(2, 3, 1, 0)
        inputs, outputs = weights["net.dense_1.W"].shape
        side = int((inputs // channels) ** 0.5)
        by_channel = weights["net.dense_1.W"].reshape(channels, side, side, outputs)
        weights["net.dense_1.W"] = by_channel.transpose(1, 2, 0, 3).reshape(inputs, outputs)
    if KIND == "rnn":
        x = x.transpose(0, 2, 1, 3)
    return {name: jnp.array(value) for name, value in weights.items()}, jnp.array(x), jnp.array(y)


def dense(w, x, layers, activation):
    for layer in range(1, layers + 1):
        x = x @ w[f"net.dense_{layer}.W"] + w[f"net.dense_{layer}.b"]
        x = activation(x) if layer < layers else x
    return x


def cnn(w, x):
    number = 0
    for layer in CASE["convs"]:
        if layer == "pool":
            n, height, width, channels = x.shape
            x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
            continue
        number, padding = number + 1, [(layer[2], layer[2])] * 2
        kernel, bias = w[f"net.conv2d_{number}.W"], w[f"net.conv2d_{number}.b"]
        x = jax.nn.relu(lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias)
    return dense(w, x.reshape(x.shape[0], -1), len(CASE["dense"]) - 1, jax.nn.relu)


def cell(kind, h, c, inputs, hidden):
    """The next (h, c) of a cell from its two products, gates side by side: i f g o of an LSTM, r z n of a GRU."""
    if kind == "rnn":
        return jnp.tanh(inputs + hidden), c
    if kind == "lstm":
        i, f, g, o = jnp.split(inputs + hidden, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c
    (r_x, z_x, n_x), (r_h, z_h, n_h) = jnp.split(inputs, 3, -1), jnp.split(hidden, 3, -1)
    z = jax.nn.sigmoid(z_x + z_h)
    return z * h + (1 - z) * jnp.tanh(n_x + jax.nn.sigmoid(r_x + r_h) * n_h), c


def recurrent(w, x):
    path = f"net.{CASE['cell']}_1"
    inputs = x @ w[f"{path}.W_ih"] + w[f"{path}.b_ih"]

    def step(state, row):
        h, c = cell(CASE["cell"], *state, row, state[0] @ w[f"{path}.W_hh"] + w[f"{path}.b_hh"])
        return (h, c), h

    zeros = jnp.zeros((CASE["batch"], CASE["units"]), jnp.float32)
    return dense(w, lax.scan(step, (zeros, zeros), inputs)[1].mean(0), 1, None)


def norm(x, gain):
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * gain


def attention(w, path, x):
    n, time, width = x.shape
    heads = CASE["heads"]
    q, k, v = (part.reshape(n, time, heads, width // heads) for part in jnp.split(x @ w[f"{path}.W_qkv"], 3, -1))
    scores = jnp.einsum("nqhd,nkhd->nhqk", q, k) / (width // heads) ** 0.5
    seen = jnp.tril(jnp.ones((time, time), bool))
    shares = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), -1)
    return jnp.einsum("nhqk,nkhd->nqhd", shares, v).reshape(n, time, width) @ w[f"{path}.W_o"]


def gpt(w, tokens):
    x = w["net.E"][tokens] + w["net.position_embedding_1.P"]
    for layer in range(1, CASE["layers"] + 1):
        block = f"net.block_{layer}"
        x = x + attention(w, f"{block}.self_attention_1", norm(x, w[f"{block}.norm_1.gain"]))
        hidden = norm(x, w[f"{block}.norm_2.gain"]) @ w[f"{block}.projection_1.W"]
        x = x + jax.nn.gelu(hidden, approximate=False) @ w[f"{block}.projection_2.W"]
    return norm(x, w["net.norm_1.gain"]) @ w["net.E"].T


def forward(w, x):
    match KIND:
        case "linear":
            return x @ w["w"] + w["b"]
        case "mlp":
            return dense(w, x, len(CASE["sizes"]) - 1, jnp.tanh if CASE["act"] == "tanh" else jax.nn.relu)
        case "cnn":
            return cnn(w, x)
        case "rnn":
            return recurrent(w, x)
        case "gpt":
            return gpt(w, x)


def objective(w, x, y):
    out = forward(w, x)
    if KIND == "linear" or CASE.get("loss") == "mse":
        return jnp.mean((out - y) ** 2)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(out), y[..., None], -1))


def initial(w):
    """The state of the training: the weights and what the optimiser keeps beside them."""
    def zeros():
        return {name: jnp.zeros_like(value) for name, value in w.items()}

    if KIND == "gpt":
        return {"w": w, "m": zeros(), "v": zeros(), "t": jnp.zeros((), jnp.float32)}
    return {"w": w, "m": zeros()} if "mu" in CASE else {"w": w}


def adamw(state, g):
    """AdamW with PyTorch's epsilon, decay applied to every weight."""
    b1, b2, rate, t = 0.9, 0.99, CASE["rate"], state["t"] + 1
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state["m"], g)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state["v"], g)

    def next_weight(w, m, v):
        return w * (1 - rate * CASE["decay"]) - rate * (m / (1 - b1**t)) / (jnp.sqrt(v / (1 - b2**t)) + 1e-8)

    return {"w": jax.tree.map(next_weight, state["w"], m, v), "m": m, "v": v, "t": t}


def step(state, x, y):
    loss, g = jax.value_and_grad(objective)(state["w"], x, y)
    if KIND == "gpt":
        return adamw(state, g), loss
    kept = {}
    if "mu" in CASE:
        g = jax.tree.map(lambda m, g: CASE["mu"] * m + g, state["m"], g)
        kept = {"m": g}
    return {"w": jax.tree.map(lambda w, g: w - CASE["rate"] * g, state["w"], g), **kept}, loss


def stepwise(state, x, y):
    """advance() with a call for each step, waiting at the end of each block of them."""
    call, batches, done = jax.jit(step, donate_argnums=0), list(zip(x, y)), 0

    def advance(steps):
        nonlocal state, done
        for _ in range(steps):
            state, loss = call(state, *batches[done % len(batches)])
            done += 1
        jax.block_until_ready(state)
        return float(loss)

    return advance


def looped(state, x, y):
    """advance() with one call for all of its steps, whose number is an argument."""
    def many(state, begin, end, x, y):
        def body(i, carry):
            batch = (lax.dynamic_index_in_dim(field, i % len(x), 0, False) if len(x) > 1 else field[0] for field in (x, y))
            return step(carry[0], *batch)

        return lax.fori_loop(begin, end, body, (state, jnp.zeros((), jnp.float32)))

    call, done = jax.jit(many, donate_argnums=0), 0

    def advance(steps):
        nonlocal state, done
        # The position among the batches is what matters: counting on would leave i32 in a long measurement.
        state, loss = call(state, done, done + steps, x, y)
        done = (done + steps) % len(x)
        return float(jax.block_until_ready((state, loss))[1])

    return advance


def main():
    weights, x, y = prepare()
    advance = (looped if MODE == "scan" else stepwise)(initial(weights), x, y)
    peer.report(advance, CASE["check"], SECONDS)


main()
