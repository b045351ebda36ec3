"""What PyTorch reaches on the examples that learn from real data: one line per example with the figure of each seed, its mean and range.

    python bench/compare/examples_torch.py [--examples iris,rnn] [--seeds 5] [--initialisers torch|library] [--dlmc target/release/dlmc]

Needs PyTorch; reads examples/data only. The layers, losses, optimisers, schedules, epochs and batch sizes are those of examples/*.dlm; the
rows are parted by the permutation that dlmc draws for the same seed, so that both sides learn from and are tested on the same rows; numbers
are standardised by the mean and the population deviation of the training part; every epoch walks a new order, a smaller last batch
included. The figure is the accuracy on the test part after the last epoch (autoencoder: the mean squared error there).

Weights start as PyTorch's own layers draw them. dlmc's library starts otherwise: `dense` glorot_uniform, `conv2d` he_uniform, `rnn`
glorot_uniform from the input and orthogonal in the recurrence, every bias 0; `--initialisers library` starts PyTorch in that way.
`--dlmc BINARY` prints the figures of `dlmc run --seed N` too, for N = 0, 1, ...
"""
import argparse
import csv
import gzip
import itertools
import math
import subprocess
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD, Adam, AdamW

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def philox(counter, key):
    """Four random words: Philox4x32-10 (Salmon et al. 2011)."""
    word = 0xFFFFFFFF
    for _ in range(10):
        low, high = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [high >> 32 ^ counter[1] ^ key[0], high & word, low >> 32 ^ counter[3] ^ key[1], low & word]
        key = [(key[0] + 0x9E3779B9) & word, (key[1] + 0xBB67AE85) & word]
    return counter


def permutation(count, seed):
    """The order of `count` rows that dlmc's `split(seed = ...)` draws: Fisher-Yates with Lemire's unbiased numbers below a bound."""
    key, epoch = [seed, 0x7065726D], [0xFFFFFFFF, 0xFFFFFFFF]
    order, stream = list(range(count)), (word for block in itertools.count() for word in philox([block, 0, *epoch], key))
    for last in range(count - 1, 0, -1):
        product = next(stream) * (last + 1)
        while product & 0xFFFFFFFF < 2**32 % (last + 1):
            product = next(stream) * (last + 1)
        chosen = product >> 32
        order[last], order[chosen] = order[chosen], order[last]
    return order


def table(name):
    """The rows of a CSV file with a header, without it."""
    with open(EXAMPLES / "data" / name, newline="") as file:
        return list(csv.reader(file))[1:]


def standardised(train, *others):
    """Every part with the mean and the deviation of each column of the first."""
    mean, deviation = train.mean(0), train.std(0, correction=0)
    deviation = torch.where(deviation > 0, deviation, 1.0)
    return [((part - mean) / deviation).float() for part in (train, *others)]


def parted(name, seed, prepare=standardised):
    """Four fifths of the rows for training and the rest for the test, as `split(train = 0.8, seed = ...)` has it."""
    rows = table(name)
    classes = sorted({row[-1] for row in rows})
    x = torch.tensor([[float(cell) for cell in row[:-1]] for row in rows], dtype=torch.float64)
    y = torch.tensor([classes.index(row[-1]) for row in rows])
    order = torch.tensor(permutation(len(y), seed))
    train, test = order.tensor_split([round(0.8 * len(y))])
    x_train, x_test = prepare(x[train], x[test])
    return (x_train, y[train]), (x_test, y[test])


def sixteenths(*parts):
    """Pixels from 0 to 16 made 0 to 1."""
    return [(part / 16).float() for part in parts]


def mnist():
    """Images [n, 1, 28, 28] from 0 to 1 and labels, out of the IDX files."""
    def idx(name, start):
        data = gzip.decompress((EXAMPLES / "data" / "mnist" / f"{name}.idx.gz").read_bytes())
        return torch.frombuffer(bytearray(data[start:]), dtype=torch.uint8)

    def part(name):
        return idx(f"{name}-images", 16).view(-1, 1, 28, 28).float() / 255, idx(f"{name}-labels", 8).long()

    return part("train"), part("test")


def vowels():
    """Series of unequal length, padded by zeros after standardising; the mask is true at their steps."""
    def series(name):
        found = {}
        for row in table(name):
            found.setdefault((int(row[0]), int(row[1]) - 1), []).append([float(cell) for cell in row[3:]])
        return [label for _, label in found], [torch.tensor(steps, dtype=torch.float64) for steps in found.values()]

    (y_train, train), (y_test, test) = series("japanese_vowels_train.csv"), series("japanese_vowels_test.csv")
    longest = max(map(len, train + test))

    def padded(steps, lengths, labels):
        x = torch.stack([F.pad(part, (0, 0, 0, longest - len(part))) for part in steps.split(lengths)])
        return x, torch.arange(longest) < torch.tensor(lengths)[:, None], torch.tensor(labels)

    x_train, x_test = standardised(torch.cat(train), torch.cat(test))
    return padded(x_train, list(map(len, train)), y_train), padded(x_test, list(map(len, test)), y_test)


class Speaker(nn.Module):
    """The network of rnn.dlm. Steps behind the end of a series come last, so that the mean alone has to leave them out."""

    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.RNN(12, 64, batch_first=True), nn.Linear(64, 9)

    def forward(self, x, mask):
        states = self.cell(x)[0] * mask[:, :, None]
        return self.head(states.sum(1) / mask.sum(1, keepdim=True))


class Lion(torch.optim.Optimizer):
    """The optimiser that own_optimizer.dlm defines: the sign of an interpolated momentum (Chen et al. 2023), without weight decay."""

    def __init__(self, parameters, lr, beta1=0.9, beta2=0.99):
        super().__init__(parameters, {"lr": lr, "beta1": beta1, "beta2": beta2})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for weight in group["params"]:
                mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                weight -= group["lr"] * torch.sign(group["beta1"] * mean + (1 - group["beta1"]) * weight.grad)
                mean.mul_(group["beta2"]).add_(weight.grad, alpha=1 - group["beta2"])


def dense(*sizes, activation=nn.ReLU):
    """Fully connected layers with an activation between them."""
    layers = [layer for size in zip(sizes, sizes[1:]) for layer in (nn.Linear(*size), activation())]
    return nn.Sequential(*layers[:-1])


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        *dense(400, 120, 84, 10))


def autoencoder():
    return nn.Sequential(*dense(64, 32, 8), *dense(8, 32, 64), nn.Sigmoid())


class Example(NamedTuple):
    """What an example trains: the parts of its data, its network and optimiser (made anew for each seed), and its settings."""
    data: Callable
    model: Callable
    optimizer: Callable
    epochs: int
    batch: int
    cosine: bool = False
    reconstructs: bool = False


CASES = {
    "iris": Example(partial(parted, "iris.csv", 1), partial(dense, 4, 3), partial(SGD, lr=0.1, momentum=0.9), 60, 16),
    "breast_cancer": Example(
        partial(parted, "breast_cancer.csv", 1), partial(dense, 30, 16, 2), partial(AdamW, lr=0.005, weight_decay=0.01), 20, 32),
    "digits_mlp": Example(partial(parted, "digits.csv", 1, sixteenths), partial(dense, 64, 64, 64, 10), partial(Adam, lr=0.002), 20, 32),
    "lenet": Example(mnist, lenet, partial(SGD, lr=0.05, momentum=0.9), 4, 64, cosine=True),
    "rnn": Example(vowels, Speaker, partial(Adam, lr=0.005), 30, 27),
    "own_optimizer": Example(
        partial(parted, "wine.csv", 3), partial(dense, 13, 16, 3, activation=nn.Tanh), partial(Lion, lr=0.003), 40, 16),
    "autoencoder": Example(
        partial(parted, "digits.csv", 1, sixteenths), autoencoder, partial(Adam, lr=0.002), 20, 32, reconstructs=True),
}


@torch.no_grad()
def as_the_library(module):
    """Starts a layer as dlmc's standard library does."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
    elif isinstance(module, nn.RNN):
        nn.init.xavier_uniform_(module.weight_ih_l0)
        nn.init.orthogonal_(module.weight_hh_l0)
    for name, value in module.named_parameters(recurse=False):
        if "bias" in name:
            value.zero_()


def figure(example, train, test, seed, initialisers):
    """Trains from one seed; the figure on the test part."""
    torch.manual_seed(seed)
    net = example.model()
    if initialisers == "library":
        net.apply(as_the_library)
    optimizer = example.optimizer(net.parameters())
    total = example.epochs * math.ceil(len(train[0]) / example.batch)
    rate = (lambda step: 0.5 * (1 + math.cos(math.pi * step / total))) if example.cosine else (lambda step: 1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    for _ in range(example.epochs):
        for rows in torch.randperm(len(train[0])).split(example.batch):
            *x, y = (field[rows] for field in train)
            optimizer.zero_grad()
            loss = F.mse_loss(net(*x), x[0]) if example.reconstructs else F.cross_entropy(net(*x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
    *x, y = test
    with torch.no_grad():
        out = net(*x)
    return float(F.mse_loss(out, x[0]) if example.reconstructs else (out.argmax(1) == y).double().mean())


def dlmc_figure(binary, name, seed):
    """The last word that the example prints under `--seed`."""
    command = [binary, "run", EXAMPLES / f"{name}.dlm", "--seed", str(seed)]
    return float(subprocess.check_output(command, text=True).split()[-1])


def report(name, figures):
    listed = " ".join(f"{value:.5f}" for value in figures)
    print(f"{name}: {listed}; mean {sum(figures) / len(figures):.5f} ({min(figures):.5f} to {max(figures):.5f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", default=",".join(CASES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--initialisers", choices=["torch", "library"], default="torch")
    parser.add_argument("--dlmc", metavar="BINARY")
    arguments = parser.parse_args()
    for name in arguments.examples.split(","):
        example = CASES[name]
        train, test = example.data()
        report(name, [figure(example, train, test, seed, arguments.initialisers) for seed in range(arguments.seeds)])
        if arguments.dlmc:
            report(f"{name} (dlmc)", [dlmc_figure(arguments.dlmc, name, seed) for seed in range(arguments.seeds)])


main()
