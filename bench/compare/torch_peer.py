"""One case in PyTorch: python torch_peer.py MODE CASE THREADS, with MODE eager or compile. Prints one JSON line.

Modules and optimisers as their documentation shows them; the step is forward, loss, backward and update on a batch in memory.
Mode compile gives model and loss, with the backward pass that follows from them, and the optimizer's step to torch.compile.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import peer
from cases import BATCHES, CASES, build

MODE, NAME, THREADS, SECONDS = peer.arguments()
CASE = CASES[NAME]
torch.set_num_threads(THREADS)
WEIGHTS, FIELDS = build(NAME)


def tensor(name):
    return torch.from_numpy(np.array(WEIGHTS[name]))


def linear(path, bias=True):
    weight = tensor(f"{path}.W" if f"{path}.W" in WEIGHTS else path)
    layer = nn.Linear(weight.shape[0], weight.shape[1], bias=bias)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        if bias:
            layer.bias.copy_(tensor(f"{path}.b"))
    return layer


def dense(sizes, activation):
    layers = []
    for number in range(1, len(sizes)):
        layers += [linear(f"net.dense_{number}"), activation()]
    return layers[:-1]


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(tensor("w")), nn.Parameter(tensor("b"))

    def forward(self, x):
        return x @ self.w + self.b


def cnn():
    layers, channels, number = [], CASE["image"][0], 0
    for layer in CASE["convs"]:
        if layer == "pool":
            layers.append(nn.MaxPool2d(2))
            continue
        outputs, kernel, padding = layer
        number += 1
        conv = nn.Conv2d(channels, outputs, kernel, padding=padding)
        with torch.no_grad():
            conv.weight.copy_(tensor(f"net.conv2d_{number}.W"))
            conv.bias.copy_(tensor(f"net.conv2d_{number}.b"))
        layers += [conv, nn.ReLU()]
        channels = outputs
    return nn.Sequential(*layers, nn.Flatten(), *dense(CASE["dense"], nn.ReLU))


class Recurrent(nn.Module):
    """Sequences [time, n, features], the layout that PyTorch walks fastest."""

    def __init__(self):
        super().__init__()
        kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[CASE["cell"]]
        self.cell, self.head = kind(CASE["features"], CASE["units"]), linear("net.dense_1")
        path = f"net.{CASE['cell']}_1"
        with torch.no_grad():
            self.cell.weight_ih_l0.copy_(tensor(f"{path}.W_ih").T)
            self.cell.weight_hh_l0.copy_(tensor(f"{path}.W_hh").T)
            self.cell.bias_ih_l0.copy_(tensor(f"{path}.b_ih"))
            self.cell.bias_hh_l0.copy_(tensor(f"{path}.b_hh"))

    def forward(self, x):
        return self.head(self.cell(x)[0].mean(0))


class Block(nn.Module):
    def __init__(self, number):
        super().__init__()
        path = f"net.block_{number}"
        self.gain_1, self.gain_2 = (nn.Parameter(tensor(f"{path}.norm_{i}.gain")) for i in (1, 2))
        self.qkv = linear(f"{path}.self_attention_1.W_qkv", bias=False)
        self.out = linear(f"{path}.self_attention_1.W_o", bias=False)
        self.up, self.down = (linear(f"{path}.projection_{i}", bias=False) for i in (1, 2))

    def forward(self, x):
        n, t, d = x.shape
        heads = CASE["heads"]
        parts = self.qkv(F.layer_norm(x, (d,), self.gain_1)).split(d, dim=2)
        q, k, v = (part.view(n, t, heads, d // heads).transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, t, d)
        x = x + self.out(y)
        return x + self.down(F.gelu(self.up(F.layer_norm(x, (d,), self.gain_2))))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Parameter(tensor("net.E"))
        self.positions = nn.Parameter(tensor("net.position_embedding_1.P"))
        self.blocks = nn.ModuleList(Block(number) for number in range(1, CASE["layers"] + 1))
        self.gain = nn.Parameter(tensor("net.norm_1.gain"))

    def forward(self, tokens):
        x = F.embedding(tokens, self.tokens) + self.positions
        for block in self.blocks:
            x = block(x)
        return F.linear(F.layer_norm(x, (CASE["width"],), self.gain), self.tokens)


def model():
    match CASE["kind"]:
        case "linear":
            return Linear()
        case "mlp":
            return nn.Sequential(*dense(CASE["sizes"], nn.Tanh if CASE["act"] == "tanh" else nn.ReLU))
        case "cnn":
            return cnn()
        case "rnn":
            return Recurrent()
        case "gpt":
            return Gpt()


def batches():
    fields = list(FIELDS.values())
    size = CASE["batch"]
    count = 1 if CASE["kind"] == "linear" else BATCHES
    for number in range(count):
        x, y = (torch.from_numpy(np.ascontiguousarray(field[number * size:(number + 1) * size])) for field in fields)
        if CASE["kind"] == "rnn":
            x = x.transpose(0, 1).contiguous()
        yield x.long() if x.dtype == torch.int32 else x, y.long() if y.dtype == torch.int32 else y


def main():
    net, data = model(), list(batches())
    squared = CASE["kind"] == "linear" or CASE.get("loss") == "mse"
    if CASE["kind"] == "gpt":
        optimizer = torch.optim.AdamW(net.parameters(), lr=CASE["rate"], betas=(0.9, 0.99), weight_decay=CASE["decay"])
    else:
        optimizer = torch.optim.SGD(net.parameters(), lr=CASE["rate"], momentum=CASE.get("mu", 0.0))

    def objective(x, y):
        out = net(x)
        return F.mse_loss(out, y) if squared else F.cross_entropy(out.view(-1, out.shape[-1]), y.view(-1))

    update = optimizer.step
    if MODE == "compile":
        objective, update = torch.compile(objective), torch.compile(optimizer.step)
    done = 0

    def advance(steps):
        nonlocal done
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss = objective(*data[done % len(data)])
            loss.backward()
            update()
            done += 1
        return float(loss.detach())

    peer.report(advance, CASE["check"], SECONDS)


main()
