"""Makes the training references of this folder with PyTorch (2.15.0, CPU, one thread). Deterministic: run it again, and the files stay the same.

    python make.py            needs torch, numpy and safetensors

For each model NAME: NAME_init.safetensors (the first weights), NAME_data.npz (five batches: x0..x4, y0..y4, visited in turn) and for each
optimiser NAME_OPTIMISER.safetensors (the weights after the last step, and `losses`: the loss of each step before its update).
Weights have dlmc's paths and layouts: dense and recurrent weights [in, out], convolutions [out, in, height, width].
The models are spelled out with PyTorch's functions, so that nothing of dlmc's own arithmetic enters."""
import pathlib
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
BATCHES = 5


def mlp(w, x):
    h = torch.relu(x @ w["net.dense_1.W"] + w["net.dense_1.b"])
    h = torch.relu(h @ w["net.dense_2.W"] + w["net.dense_2.b"])
    return h @ w["net.dense_3.W"] + w["net.dense_3.b"]


def cnn(w, x):
    h = torch.relu(F.conv2d(x, w["net.conv2d_1.W"], w["net.conv2d_1.b"], padding=2))
    h = F.max_pool2d(h, 2)
    h = torch.relu(F.conv2d(h, w["net.conv2d_2.W"], w["net.conv2d_2.b"]))
    h = F.avg_pool2d(h, 2).flatten(1)
    return h @ w["net.dense_1.W"] + w["net.dense_1.b"]


def batch_norm_net(w, x):
    h = F.conv2d(x, w["net.conv2d_1.W"], w["net.conv2d_1.b"])
    h = F.batch_norm(
        h, w["net.batch_norm_1.running_mean"], w["net.batch_norm_1.running_var"],
        w["net.batch_norm_1.gamma"], w["net.batch_norm_1.beta"], training=True, momentum=0.1, eps=1e-5,
    )
    h = torch.relu(h).mean(dim=(2, 3))
    return h @ w["net.dense_1.W"] + w["net.dense_1.b"]


def recurrent(kind, module):
    """A PyTorch recurrent module run with the weights of `w` (transposed to PyTorch's layout), then the mean over time and dense."""

    def forward(w, x):
        part = lambda name: w[f"net.{kind}_1.{name}"]
        flat = {
            "weight_ih_l0": part("W_ih").t(), "weight_hh_l0": part("W_hh").t(),
            "bias_ih_l0": part("b_ih"), "bias_hh_l0": part("b_hh"),
        }
        layer = module(x.shape[2], part("W_hh").shape[0], batch_first=True).to(x.dtype)
        outputs, _ = torch.func.functional_call(layer, flat, (x,))
        return outputs.mean(dim=1) @ w["net.dense_1.W"] + w["net.dense_1.b"]

    return forward


def transformer(w, tokens):
    """One block with the norm before each part, two heads, causal; untied head."""
    n, t = tokens.shape
    norm = lambda h, i: F.layer_norm(h, h.shape[-1:], w[f"net.layer_norm_{i}.gamma"], w[f"net.layer_norm_{i}.beta"], 1e-5)
    dense = lambda h, i: h @ w[f"net.dense_{i}.W"] + w[f"net.dense_{i}.b"]
    part = lambda h, p: h @ w[f"net.multi_head_attention_1.W_{p}"] + w[f"net.multi_head_attention_1.b_{p}"]
    x = F.embedding(tokens.long(), w["net.embedding_1.E"])
    h = norm(x, 1)
    q, k, v = (part(h, p).view(n, t, 2, -1).transpose(1, 2) for p in "qkv")
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, t, -1)
    x = x + part(y, "o")
    x = x + dense(F.gelu(dense(norm(x, 2), 1)), 2)
    return dense(norm(x, 3), 3)


def cross_entropy(scores, y):
    return F.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.reshape(-1).long())


def weights(random, shapes):
    """Uniform in ±sqrt(1 / fan_in); biases too, so that a forgotten bias shows; gains around 1."""

    def one(name, shape):
        if name.endswith("running_mean"):
            return np.zeros(shape, np.float32)
        if name.endswith("running_var"):
            return np.ones(shape, np.float32)
        if name.endswith("gamma"):
            return (1 + 0.2 * random.uniform(-1, 1, shape)).astype(np.float32)
        fan_in = shape[0] if len(shape) <= 2 else int(np.prod(shape[1:]))
        bound = (1 / fan_in) ** 0.5
        return random.uniform(-bound, bound, shape).astype(np.float32)

    return {name: one(name, shape) for name, shape in shapes.items()}


def dense_shapes(*sizes):
    shapes = {}
    for i, (inner, outer) in enumerate(zip(sizes, sizes[1:])):
        shapes[f"net.dense_{i + 1}.W"] = (inner, outer)
        shapes[f"net.dense_{i + 1}.b"] = (outer,)
    return shapes


def recurrent_shapes(kind, gates, inputs=3, hidden=8):
    shapes = {
        f"net.{kind}_1.W_ih": (inputs, gates * hidden), f"net.{kind}_1.W_hh": (hidden, gates * hidden),
        f"net.{kind}_1.b_ih": (gates * hidden,), f"net.{kind}_1.b_hh": (gates * hidden,),
    }
    return shapes | dense_shapes(hidden, 5)


def transformer_shapes(d=8, vocabulary=11):
    shapes = {"net.embedding_1.E": (vocabulary, d)}
    for i in (1, 2, 3):
        shapes |= {f"net.layer_norm_{i}.gamma": (d,), f"net.layer_norm_{i}.beta": (d,)}
    for p in "qkvo":
        shapes |= {f"net.multi_head_attention_1.W_{p}": (d, d), f"net.multi_head_attention_1.b_{p}": (d,)}
    return shapes | dense_shapes(d, 16, d, vocabulary) | {
        "net.dense_1.W": (d, 16), "net.dense_1.b": (16,), "net.dense_2.W": (16, d), "net.dense_2.b": (d,),
        "net.dense_3.W": (d, vocabulary), "net.dense_3.b": (vocabulary,),
    }


CONV = {
    "net.conv2d_1.W": (4, 1, 5, 5), "net.conv2d_1.b": (4,), "net.conv2d_2.W": (8, 4, 3, 3), "net.conv2d_2.b": (8,),
    "net.dense_1.W": (32, 10), "net.dense_1.b": (10,),
}
BATCH_NORM = {
    "net.conv2d_1.W": (4, 2, 3, 3), "net.conv2d_1.b": (4,), "net.batch_norm_1.gamma": (4,), "net.batch_norm_1.beta": (4,),
    "net.batch_norm_1.running_mean": (4,), "net.batch_norm_1.running_var": (4,), "net.dense_1.W": (4, 3), "net.dense_1.b": (3,),
}
OPTIM = torch.optim
SGD = ("sgd", 25, lambda p: OPTIM.SGD(p, lr=0.1))
MOMENTUM = ("momentum", 25, lambda p: OPTIM.SGD(p, lr=0.05, momentum=0.9))
ADAM = ("adam", 25, lambda p: OPTIM.Adam(p, lr=1e-3))
OTHERS = [
    ("sgd_decay", 10, lambda p: OPTIM.SGD(p, lr=0.1, weight_decay=0.05)),
    ("momentum_decay", 10, lambda p: OPTIM.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.05)),
    ("nesterov", 10, lambda p: OPTIM.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    ("nesterov_decay", 10, lambda p: OPTIM.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.05)),
    ("adam_decay", 10, lambda p: OPTIM.Adam(p, lr=0.01, weight_decay=0.05)),
    ("adamw", 10, lambda p: OPTIM.AdamW(p, lr=0.01, weight_decay=0.05)),
    ("rmsprop", 10, lambda p: OPTIM.RMSprop(p, lr=0.005)),
    ("rmsprop_decay", 10, lambda p: OPTIM.RMSprop(p, lr=0.005, weight_decay=0.05)),
    ("adagrad", 10, lambda p: OPTIM.Adagrad(p, lr=0.05)),
    ("adagrad_decay", 10, lambda p: OPTIM.Adagrad(p, lr=0.05, weight_decay=0.05)),
]
# name, forward function, shapes of the weights, shape of x, classes, optimisers
MODELS = [
    ("mlp", mlp, dense_shapes(16, 32, 32, 5), (8, 16), 5, [SGD, MOMENTUM, ADAM] + OTHERS),
    ("cnn", cnn, CONV, (4, 1, 12, 12), 10, [SGD, MOMENTUM, ADAM]),
    ("batch_norm", batch_norm_net, BATCH_NORM, (4, 2, 6, 6), 3, [SGD]),
    ("lstm", recurrent("lstm", torch.nn.LSTM), recurrent_shapes("lstm", 4), (4, 7, 3), 5, [SGD, MOMENTUM, ADAM]),
    ("gru", recurrent("gru", torch.nn.GRU), recurrent_shapes("gru", 3), (4, 7, 3), 5, [SGD]),
    ("rnn", recurrent("rnn", torch.nn.RNN), recurrent_shapes("rnn", 1), (4, 7, 3), 5, [SGD]),
    ("transformer", transformer, transformer_shapes(), (3, 6), 11,
     [("adamw", 10, lambda p: OPTIM.AdamW(p, lr=0.01, weight_decay=0.01)), ("sgd", 10, SGD[2])]),
]


def batches(random, name, x_shape, classes):
    data = {}
    for i in range(BATCHES):
        if name == "transformer":
            text = random.integers(0, classes, (x_shape[0], x_shape[1] + 1)).astype(np.int32)
            data[f"x{i}"], data[f"y{i}"] = np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])
        else:
            data[f"x{i}"] = random.standard_normal(x_shape).astype(np.float32)
            data[f"y{i}"] = random.integers(0, classes, x_shape[:1]).astype(np.int32)
    return data


def train(forward, first, data, steps, make_optimizer, dtype):
    w = {name: torch.tensor(value, dtype=dtype) for name, value in first.items()}
    learned = [t.requires_grad_() for name, t in w.items() if "running" not in name]
    optimizer = make_optimizer(learned)
    losses = []
    for step in range(steps):
        x, y = (torch.tensor(data[f"{field}{step % BATCHES}"]) for field in "xy")
        x = x.to(dtype) if x.dtype == torch.float32 else x
        optimizer.zero_grad()
        loss = cross_entropy(forward(w, x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {name: t.detach().numpy().copy() for name, t in w.items()} | {"losses": np.array(losses)}


def distance(a, b):
    """The largest difference. The key bias is left out: its gradient is 0 (softmax ignores a shift), so Adam amplifies its rounding."""
    return max(float(np.abs(a[name].astype(np.float64) - b[name]).max()) for name in a if not name.endswith("b_k"))


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    print("PyTorch", torch.__version__)
    for seed, (name, forward, shapes, x_shape, classes, optimizers) in enumerate(MODELS):
        random = np.random.default_rng(seed)
        first, data = weights(random, shapes), batches(random, name, x_shape, classes)
        save_file(first, HERE / f"{name}_init.safetensors", metadata={"origin": "make.py"})
        np.savez(HERE / f"{name}_data.npz", **data)
        for label, steps, make_optimizer in optimizers:
            single = train(forward, first, data, steps, make_optimizer, torch.float32)
            double = train(forward, first, data, steps, make_optimizer, torch.float64)
            single = {key: value.astype(np.float32) for key, value in single.items()}
            save_file(single, HERE / f"{name}_{label}.safetensors", metadata={"origin": f"PyTorch {torch.__version__}, make.py"})
            print(f"{name:12} {label:15} loss {single['losses'][0]:.6f} -> {single['losses'][-1]:.6f}, f32 against f64 {distance(single, double):.1e}")


if __name__ == "__main__":
    main()
