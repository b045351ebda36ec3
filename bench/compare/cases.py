"""The cases of the comparison: their data and first weights, from a fixed seed, as files that every side reads.

    python cases.py [CASE ...]     writes data/CASE.npz (the batches) and data/CASE.safetensors (the weights)

Everything is float32. Dense weights are [in, out], convolution weights [out, in, height, width], sequences [n, time, features].
Four batches stand one after another along the first dimension; step i takes batch i % 4. `check` is the number of the step whose
loss (before its update) must agree on all sides.
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
BATCHES = 4

CASES = {
    "linreg_4x2": dict(kind="linear", batch=4, features=2, rate=0.01, check=1000),
    "linreg_10kx100": dict(kind="linear", batch=10000, features=100, rate=0.01, check=100),
    "mlp_small": dict(kind="mlp", sizes=[2, 16, 16, 1], act="tanh", loss="mse", batch=32, rate=0.01, check=20),
    "mlp_mnist": dict(kind="mlp", sizes=[784, 128, 10], act="relu", batch=64, rate=0.1, check=20),
    "mlp_wide": dict(kind="mlp", sizes=[784, 1024, 1024, 10], act="relu", batch=128, rate=0.01, mu=0.9, check=20),
    "lenet": dict(kind="cnn", image=[1, 28, 28], convs=[(6, 5, 2), "pool", (16, 5, 0), "pool"], dense=[400, 120, 84, 10],
                  batch=64, rate=0.01, mu=0.9, check=20),
    "cnn_cifar": dict(kind="cnn", image=[3, 32, 32], convs=[(32, 3, 1), (32, 3, 1), "pool", (64, 3, 1), (64, 3, 1), "pool"],
                      dense=[4096, 256, 10], batch=64, rate=0.01, mu=0.9, check=10),
    "rnn": dict(kind="rnn", cell="rnn", gates=1, time=64, features=32, units=128, classes=10, batch=32, rate=0.1, check=20),
    "lstm": dict(kind="rnn", cell="lstm", gates=4, time=64, features=32, units=128, classes=10, batch=32, rate=0.1, check=20),
    "gru": dict(kind="rnn", cell="gru", gates=3, time=64, features=32, units=128, classes=10, batch=32, rate=0.1, check=20),
    "char_gpt": dict(kind="gpt", layers=4, heads=4, width=128, time=64, vocabulary=65, batch=12, rate=1e-3, decay=0.1, check=10),
}


def uniform(random, fan, *shape):
    bound = 1 / np.sqrt(fan)
    return random.uniform(-bound, bound, shape).astype(np.float32)


def dense(random, weights, path, sizes):
    """Dense layers of these sizes, numbered after what stands in `weights` as the compiler numbers the instances of a layer."""
    for number, (inputs, outputs) in enumerate(zip(sizes, sizes[1:]), 1):
        name = f"{path}.dense_{number}"
        weights[f"{name}.W"] = uniform(random, inputs, inputs, outputs)
        weights[f"{name}.b"] = uniform(random, inputs, outputs)


def classes(random, case, outputs):
    return random.integers(0, outputs, BATCHES * case["batch"]).astype(np.int32)


def build(name):
    """The weights {path: array} and the data {field: array} of a case."""
    case, random, weights = CASES[name], np.random.default_rng(7), {}
    rows = BATCHES * case["batch"]

    def normal(*shape):
        return random.standard_normal(shape).astype(np.float32)

    match case["kind"]:
        case "linear":
            if name == "linreg_4x2":
                x, y = np.array([[1, 2], [2, 3], [3, 4], [4, 5]], np.float32), np.array([2, 3, 4, 5], np.float32)
            else:
                x = normal(case["batch"], case["features"])
                y = x @ normal(case["features"]) + 0.1 * normal(case["batch"])
            return {"w": np.zeros(case["features"], np.float32), "b": np.zeros((), np.float32)}, {"x": x, "y": y}
        case "mlp":
            dense(random, weights, "net", case["sizes"])
            x = normal(rows, case["sizes"][0])
            y = x[:, :1] * x[:, 1:2] if case.get("loss") == "mse" else classes(random, case, case["sizes"][-1])
            return weights, {"x": x, "y": y}
        case "cnn":
            channels, layers = case["image"][0], [layer for layer in case["convs"] if layer != "pool"]
            for number, (outputs, kernel, _) in enumerate(layers, 1):
                fan = channels * kernel * kernel
                weights[f"net.conv2d_{number}.W"] = uniform(random, fan, outputs, channels, kernel, kernel)
                weights[f"net.conv2d_{number}.b"] = uniform(random, fan, outputs)
                channels = outputs
            dense(random, weights, "net", case["dense"])
            return weights, {"x": normal(rows, *case["image"]), "y": classes(random, case, case["dense"][-1])}
        case "rnn":
            units, width, path = case["units"], case["gates"] * case["units"], f"net.{case['cell']}_1"
            weights[f"{path}.W_ih"] = uniform(random, units, case["features"], width)
            weights[f"{path}.W_hh"] = uniform(random, units, units, width)
            weights[f"{path}.b_ih"] = uniform(random, units, width)
            weights[f"{path}.b_hh"] = uniform(random, units, width)
            dense(random, weights, "net", [units, case["classes"]])
            return weights, {"x": normal(rows, case["time"], case["features"]), "y": classes(random, case, case["classes"])}
        case "gpt":
            return gpt(random, case, rows)
    raise KeyError(name)


def gpt(random, case, rows):
    width, layers = case["width"], case["layers"]

    def normal(deviation, *shape):
        return (deviation * random.standard_normal(shape)).astype(np.float32)

    out = 0.02 / np.sqrt(2 * layers)
    weights = {"net.E": normal(0.02, case["vocabulary"], width), "net.position_embedding_1.P": normal(0.02, case["time"], width)}
    for layer in range(1, layers + 1):
        block = f"net.block_{layer}"
        weights[f"{block}.norm_1.gain"] = np.ones(width, np.float32)
        weights[f"{block}.self_attention_1.W_qkv"] = normal(0.02, width, 3 * width)
        weights[f"{block}.self_attention_1.W_o"] = normal(out, width, width)
        weights[f"{block}.norm_2.gain"] = np.ones(width, np.float32)
        weights[f"{block}.projection_1.W"] = normal(0.02, width, 4 * width)
        weights[f"{block}.projection_2.W"] = normal(out, 4 * width, width)
    weights["net.norm_1.gain"] = np.ones(width, np.float32)
    tokens = random.integers(0, case["vocabulary"], (rows, case["time"] + 1)).astype(np.int32)
    return weights, {"tokens": tokens[:, :-1].copy(), "next": tokens[:, 1:].copy()}


def write_safetensors(path, tensors):
    """The safetensors format: the header's length, the header as JSON, the tensors' bytes."""
    header, at = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(np.ascontiguousarray(array).tobytes())


def write(name):
    DATA.mkdir(exist_ok=True)
    weights, data = build(name)
    np.savez(DATA / f"{name}.npz", **data)
    write_safetensors(DATA / f"{name}.safetensors", weights)


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        write(case)
