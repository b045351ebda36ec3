"""Writes cases.tsv: for each operator case of PyTorch's OpInfo samples, the program that computes it in the language, or why none does.

    python make.py dev.json dev.npz        needs numpy only

The arrays themselves stay in dev.npz, under the names that the table uses. See README.md."""
import json
import math
import pathlib
import re
import shutil
import sys
import numpy as np

HERE = pathlib.Path(__file__).parent
LETTERS = "ijklmn"


class Unsupported(Exception):
    pass


def number(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int) else repr(float(value))


def ints(value, count):
    """A size given once or per dimension."""
    return list(value) * count if isinstance(value, list) and len(value) == 1 else list(value) if isinstance(value, list) else [value] * count


def shape_text(shape):
    return "[" + ", ".join(map(str, shape)) + "]"


def indices(rank):
    return ", ".join(LETTERS[:rank])


def axis(value, rank):
    return value if value >= 0 else value + rank


class Case:
    """One row of dev.json, with its tensors named: x is the input, a, b, ... the arguments in order, keywords by their own names."""

    def __init__(self, row, arrays):
        self.row, self.arrays, self.names = row, arrays, {}
        first = row["input"] if isinstance(row["input"], list) else [row["input"]]
        if len(first) > 1:
            labels = [f"x{i}" for i in range(len(first))]
        else:
            labels = ["x"]
        self.inputs, self.differentiated = [], []
        for label, value in zip(labels, first):
            self.tensor(label, value)
        self.args = [self.tensor("abcdefgh"[i], value) for i, value in enumerate(row["args"])]
        self.kwargs = {key: self.tensor(key, value) for key, value in row["kwargs"].items()}
        self.xs = labels
        self.out_shapes = [arrays[name].shape for name in row["out"]]

    def tensor(self, label, value):
        if not (isinstance(value, dict) and "tensor" in value):
            return value
        self.inputs.append((label, value["tensor"]))
        self.names[label] = self.arrays[value["tensor"]].shape
        if value.get("grad"):
            self.differentiated.append(label)
        return label

    def shape(self, label="x"):
        return self.names[label]

    def rank(self, label="x"):
        return len(self.names[label])

    def option(self, name, position=None, default=None):
        if name in self.kwargs:
            return self.kwargs[name]
        if position is not None and position < len(self.args):
            return self.args[position]
        return default


def along(case, name, dim, extra=""):
    """NAME(x, over = dim), also for a scalar, which counts as one element."""
    if case.rank() == 0:
        return f"let out = reshape({name}(reshape(x, [1]), over = 0{extra}), [])"
    return f"let out = {name}(x, over = {dim}{extra})"


def softmax_like(name):
    return lambda c: along(c, name, c.args[0])


def cumsum(c):
    if c.rank() == 0:
        return "let out = reshape(cumsum(reshape(x, [1])), [])"
    if c.args[0] == 0 and c.rank() == 3:
        return "let turned[j, k, i] = x[i, j, k]; let sums = cumsum(turned); let out[i, j, k] = sums[j, k, i]"
    raise Unsupported("no program was written for this axis")


def clamp(c):
    low, high = (c.args + [None, None])[:2]
    inner = f"max(x, {low})" if low else "x"
    return f"let out = min({inner}, {high})" if high else f"let out = {inner}"


def masked_fill(c):
    value = c.args[1] if isinstance(c.args[1], str) else number(c.args[1])
    return f"let out = where(a, {value}, x)"


def classes_last(name, rank):
    """The second dimension moved to the end."""
    letters = LETTERS[:rank]
    return f"let {name}_last[{letters[0]}, {', '.join(letters[2:])}, {letters[1]}] = {name}[{', '.join(letters)}]; "


def cross_entropy(c):
    soft = c.arrays_dtype("a").kind == "f"
    weight, reduction = c.kwargs.get("weight"), c.kwargs.get("reduction", "mean")
    before, logits, target = "", "x", "a"
    if c.rank() > 2:
        before, logits = classes_last("x", c.rank()), "x_last"
        if soft:
            before, target = before + classes_last("a", c.rank()), "a_last"
    if not soft:
        tail = f", weight = {weight}" if weight else ""
        if reduction == "none":
            return f"{before}let out = nll_each(log_softmax({logits}), {target}{tail})"
        return f"{before}let out = cross_entropy({logits}, {target}{tail})"
    scale = f"{weight} * " if weight else ""
    if not weight and reduction == "mean":
        return f"{before}let out = soft_cross_entropy({logits}, {target})"
    rows = f"-sum({scale}{target} * log_softmax({logits}), over = -1)"
    return f"{before}let out = " + {"mean": f"mean({rows})", "sum": f"sum({rows})", "none": rows}[reduction]


def cosine_similarity(c):
    dim, eps = c.kwargs.get("dim", 1), number(float(c.kwargs.get("eps", 1e-8)))
    norm = lambda v: f"sum({v} * {v}, over = {dim})"
    return f"let out = sum(x * a, over = {dim}) / max(sqrt({norm('x')} * {norm('a')}), {eps})"


def adaptive_avg_pool2d(c):
    sizes = list(c.shape()[-2:])
    outs = [size if out is None else out for size, out in zip(sizes, c.args[0])]
    text = ""
    for label, size, out in zip(("rows", "columns"), sizes, outs):
        text += (
            f"let {label}[i < {out}, u < {size}] = where(u >= i * {size} // {out} and u < ((i + 1) * {size} + {out - 1}) // {out}, 1.0, 0.0); "
            f"let {label}_mean[i, u] = {label}[i, u] / (sum[v] {label}[i, v]); "
        )
    lead = "".join(f"{letter}, " for letter in "nm"[: c.rank() - 2])
    return text + f"let out[{lead}i, j] = sum[u, v] x[{lead}u, v] * rows_mean[i, u] * columns_mean[j, v]"


def window(size, kernel, stride, padding, dilation, ceil_mode):
    """The number of windows and what must be added at the end so that the last one fits (PyTorch's ceil_mode)."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    extra = (count - 1) * stride + dilation * (kernel - 1) + 1 - (size + 2 * padding)
    return count, max(extra, 0)


def avg_pool1d(c):
    kernel = ints(c.args[0], 1)[0]
    stride = ints(c.kwargs.get("stride", kernel), 1)[0]
    padding = ints(c.kwargs.get("padding", 0), 1)[0]
    size = c.shape()[-1]
    _, extra = window(size, kernel, stride, padding, 1, c.kwargs.get("ceil_mode", False))
    include = c.kwargs.get("count_include_pad", True)
    if extra == 0 and (include or padding == 0):
        return f"let out = avg_pool1d(x, {kernel}, stride = {stride}, padding = {padding})"
    low, high = (0, size + 2 * padding) if include else (padding, padding + size)
    return (
        f"let p = pad(x, left = {padding}, right = {padding + extra}, over = 2); "
        f"let inside[i < {(size + 2 * padding + extra - kernel) // stride + 1}, u < {kernel}] = where({stride} * i + u >= {low} and {stride} * i + u < {high}, 1.0, 0.0); "
        f"let out[n, m, i] = (sum[u] p[n, m, {stride} * i + u] * inside[i, u]) / (sum[u] inside[i, u])"
    )


def avg_pool2d(c):
    kernel, stride, padding, ceil_mode, include, divisor = c.args
    kernel, stride, padding = ints(kernel, 2), ints(stride, 2), ints(padding, 2)
    extra = [window(s, k, t, p, 1, ceil_mode)[1] for s, k, t, p in zip(c.shape()[-2:], kernel, stride, padding)]
    if divisor is None and extra == [0, 0] and len({*kernel}) == len({*stride}) == len({*padding}) == 1 and include:
        return f"let out = avg_pool2d(x, {kernel[0]}, stride = {stride[0]}, padding = {padding[0]})"
    if divisor is None:
        raise Unsupported("no program was written for partial windows in two dimensions")
    return (
        f"let p = pad(pad(x, left = {padding[0]}, right = {padding[0] + extra[0]}, over = 2), left = {padding[1]}, right = {padding[1] + extra[1]}, over = 3); "
        f"let out[n, m, i, j] = (sum[u < {kernel[0]}, v < {kernel[1]}] p[n, m, {stride[0]} * i + u, {stride[1]} * j + v]) / {number(float(divisor))}"
    )


def max_pool(c, rank):
    k = c.kwargs
    kernel = ints(k["kernel_size"], rank)
    stride = ints(kernel if k["stride"] is None else k["stride"], rank)
    padding, dilation = ints(k["padding"], rank), ints(k["dilation"], rank)
    extra = [window(s, kk, t, p, d, k["ceil_mode"])[1] for s, kk, t, p, d in zip(c.shape()[-rank:], kernel, stride, padding, dilation)]
    simple = not any(extra)
    text, value = "", f"max_pool{rank}d(x, {kernel[0]}, stride = {stride[0]}, padding = {padding[0]}, dilation = {dilation[0]}"
    value += f", dilation_w = {dilation[1]})" if rank == 2 else ")"
    if simple and not k["return_indices"]:
        return f"let out = {value}"
    padded = "x"
    for d in range(rank):
        padded = f"pad({padded}, left = {padding[d]}, right = {padding[d] + extra[d]}, over = {d + 2}, fill = -3.0e38)"
    text = f"let p = {padded}; "
    out, inner = "ij"[:rank], "uv"[:rank]
    access = ", ".join(f"{stride[d]} * {out[d]} + {dilation[d]} * {inner[d]}" for d in range(rank))
    bounds = ", ".join(f"{inner[d]} < {kernel[d]}" for d in range(rank))
    outs = ", ".join(out)
    text += f"let out = {value}" if simple else f"let out[n, m, {outs}] = max[{bounds}] p[n, m, {access}]"
    if not k["return_indices"]:
        return text
    text += f"; let windows[n, m, {outs}, {bounds}] = p[n, m, {access}]"
    sizes = shape_text(list(c.out_shapes[1]) + [math.prod(kernel)])
    text += f"; let best = argmax(reshape(windows, {sizes}), over = -1)"
    place = lambda d, at: f"({stride[d]} * {out[d]} + {dilation[d]} * ({at}) - {padding[d]})"
    if rank == 1:
        return text + f"; let out1[n, m, i] = {place(0, 'best[n, m, i]')}"
    at = "best[n, m, i, j]"
    return text + f"; let out1[n, m, i, j] = {place(0, f'{at} // {kernel[1]}')} * {c.shape()[-1]} + {place(1, f'{at} % {kernel[1]}')}"


def convolution(c, rank, transposed):
    names = ["stride", "padding"] + (["output_padding"] if transposed else []) + ["dilation", "groups"]
    defaults = dict(stride=1, padding=0, output_padding=0, dilation=1, groups=1)
    weight, bias = c.args[0], c.args[1] if len(c.args) > 1 else None
    kernel = c.shape(weight)[2:]
    settings = []
    for name in names:
        value = c.kwargs.get(name, defaults[name])
        if name == "groups":
            settings.append(f"groups = {value}")
            continue
        if value == "valid":
            value = 0
        if value == "same":
            total = [d * (k - 1) for d, k in zip(ints(c.kwargs.get("dilation", 1), rank), kernel)]
            if any(t % 2 for t in total):
                raise Unsupported("`same` padding that differs between the two ends")
            value = [t // 2 for t in total]
        value = ints(value, rank)
        settings.append(f"{name} = {value[0]}")
        if rank == 2 and value[1] != value[0]:
            settings.append(f"{name}_w = {value[1]}")
    function = f"conv_transpose{rank}d_op" if transposed else f"conv{rank}d_op"
    batched = c.rank() == rank + 2
    x = "x" if batched else f"reshape(x, {shape_text((1,) + c.shape())})"
    text = f"{function}({x}, {weight}, {', '.join(settings)})"
    if not batched:
        text = f"reshape({text}, {shape_text(c.out_shapes[0])})"
    if bias:
        text += f" + reshape({bias}, {shape_text(list(c.shape(bias)) + [1] * rank)})"
    return f"let out = {text}"


def group_norm(c, groups, default_eps=1e-5):
    eps, shape = c.kwargs.get("eps", default_eps), c.shape()
    weight, bias = c.kwargs.get("weight"), c.kwargs.get("bias")
    if weight and bias:
        return f"let out = group_norm_op(x, {groups}, weight, bias, eps = {number(eps)})"
    plain = f"reshape(standardise_last(reshape(x, {shape_text([shape[0], groups, math.prod(shape[1:]) // groups])}), eps = {number(eps)}), {shape_text(shape)})"
    return f"let out = {plain}" + (f" * reshape(weight, {shape_text([shape[1]] + [1] * (len(shape) - 2))})" if weight else "")


def layer_norm(c):
    count = len(c.args[0])
    inner = math.prod(c.args[0])
    eps, shape = c.kwargs.get("eps", 1e-5), c.shape()
    flat = shape_text(list(shape[: len(shape) - count]) + [inner])
    return f"let out = reshape(layer_norm_op(reshape(x, {flat}), reshape(b, [{inner}]), reshape(c, [{inner}]), eps = {number(eps)}), {shape_text(shape)})"


def batch_norm(c):
    if c.rank() < 2:
        raise Unsupported("a batch with no examples and no channel dimension has no statistics; batch_norm takes [n, c, ..s]")
    mean, variance, weight, bias = c.args[:4]
    eps = number(c.kwargs.get("eps", 1e-5))
    channels = c.shape()[1]
    return f"let out = batch_norm_op(x, {weight or f'ones[{channels}]'}, {bias or f'zeros[{channels}]'}, eps = {eps})"


def pad(c, mode):
    amounts = c.args[0]
    value = c.args[2] if len(c.args) > 2 else 0.0
    rank, pairs = c.rank(), [(amounts[i], amounts[i + 1]) for i in range(0, len(amounts), 2)]
    if mode == "constant":
        text = "x"
        for i, (left, right) in enumerate(pairs):
            text = f"pad({text}, left = {left}, right = {right}, over = {rank - 1 - i}, fill = {number(float(value))})"
        return f"let out = {text}"
    text, subscripts = "", list(LETTERS[:rank])
    for i, (left, right) in enumerate(pairs):
        d = rank - 1 - i
        size, letter = c.shape()[d], LETTERS[d]
        if left == right == 0:
            continue
        moved = f"{letter} - {left}" if left > 0 else f"{letter} + {-left}" if left < 0 else letter
        source = {
            "reflect": f"{size - 1} - abs({size - 1} - abs({moved}))",
            "replicate": f"min(max({moved}, 0), {size - 1})",
            "circular": f"({moved}) % {size}",
        }[mode]
        text += f"let from_{letter}[{letter} < {size + left + right}] = {source}; "
        subscripts[d] = f"from_{letter}[{letter}]"
    return f"{text}let out[{indices(rank)}] = x[{', '.join(subscripts)}]"


def linear(c):
    lead = "".join(f"{letter}, " for letter in LETTERS[: c.rank() - 1])
    bias = "b[v] + " if len(c.args) > 1 and c.args[1] else ""
    return f"let out[{lead}v] = {bias}sum[u] x[{lead}u] * a[v, u]"


def attention(c):
    if c.kwargs["dropout_p"] > 0:
        raise Unsupported("the reference holds the draw of PyTorch's own random generator (dropout_p = 0.5)")
    lead = "n, m, " if c.rank() == 4 else "n, "
    score = f"(sum[u] x[{lead}i, u] * a[{lead}j, u]) / sqrt({number(float(c.shape()[-1]))})"
    if c.kwargs["is_causal"]:
        score = f"where(j <= i, {score}, -1.0e30)"
    return f"let score[{lead}i, j] = {score}; let out1 = softmax(score, over = -1); let out[{lead}i, u] = sum[j] out1[{lead}i, j] * b[{lead}j, u]"


def permute(c):
    letters = LETTERS[: c.rank()]
    return f"let out[{', '.join(letters[i] for i in c.args[0])}] = x[{', '.join(letters)}]"


def transpose(c):
    if c.rank() == 0:
        return "let out = x"
    order = list(range(c.rank()))
    i, j = (axis(d, c.rank()) for d in c.args)
    order[i], order[j] = order[j], order[i]
    letters = LETTERS[: c.rank()]
    return f"let out[{', '.join(letters[i] for i in order)}] = x[{', '.join(letters)}]"


def einsum(c):
    left, right = c.args[0].split("->")
    names = {letter: LETTERS[i] for i, letter in enumerate(dict.fromkeys(letter for letter in left if letter != ","))}
    commas = lambda letters: ", ".join(names[letter] for letter in letters)
    reduced = [letter for letter in names if letter not in right]
    product = " * ".join(f"{label}[{commas(part)}]" for label, part in zip(c.xs, left.split(",")))
    return f"let out[{commas(right)}] = " + (f"sum[{commas(reduced)}] " if reduced else "") + product


def gather(c):
    if c.rank() == 0:
        return f"let one = reshape(x, [1]); let at = reshape(b, [1]); let picked[i] = one[at[i]]; let out = reshape(picked, {shape_text(c.out_shapes[0])})"
    return "let out[i, j] = " + ("x[b[i, j], j]" if c.args[0] == 0 else "x[i, b[i, j]]")


def cat(c):
    parts = c.xs
    dim = axis(c.kwargs.get("dim", 0), c.rank(parts[0]))
    return f"let out = concat({', '.join(parts)}, over = {dim})"


def logsumexp(c):
    dims, keep = c.args
    if len(dims) > 1:
        return f"let out = logsumexp(reshape(x, [{math.prod(c.shape())}]))"
    return f"let out = logsumexp(x, over = {dims[0]}, keep = {number(keep)})"


def triangle(c, relation):
    k = c.args[0] if c.args else 0
    letters = LETTERS[: c.rank()]
    row, column = letters[-2], letters[-1]
    shifted = f"{row} + {k}" if k > 0 else f"{row} - {-k}" if k < 0 else row
    return f"let out[{', '.join(letters)}] = where({column} {relation} {shifted}, x[{', '.join(letters)}], 0)"


def norm(c):
    p = c.args[0]
    over = f", over = {c.args[1]}" if len(c.args) > 1 else ""
    if p == 0:
        return f"let out = sum(where(x == 0, 0.0, 1.0){over})"
    if p == 1:
        return f"let out = sum(abs(x){over})"
    if p == 2:
        return f"let out = sqrt(sum(x * x{over}))"
    return f"let out = sum(abs(x) ^ {power(p)}{over}) ^ {power(1 / p)}"


def power(p):
    return number(p) if p >= 0 else f"({number(p)})"


def vector_norm(c):
    p = c.kwargs["ord"]
    p = float(p) if isinstance(p, str) else p
    return "let out = max(abs(x))" if math.isinf(p) else f"let out = sum(abs(x) ^ {power(p)}) ^ {power(1 / p)}"


def reduction(name):
    def program(c):
        dim = c.option("dim", 0)
        keep = c.kwargs.get("keepdim", False)
        dim = dim[0] if isinstance(dim, list) and len(dim) == 1 else None if isinstance(dim, list) else dim
        if c.rank() == 0 or dim is None:
            return f"let out = {name}(x)"
        return f"let out = {name}(x, over = {dim}{', keep = true' if keep else ''})"

    return program


def variance(c):
    dim, keep = c.kwargs.get("dim"), c.kwargs.get("keepdim", False)
    correction = c.kwargs.get("correction", 1 if c.kwargs.get("unbiased", True) else 0)
    if dim is None:
        count = math.prod(c.shape())
        text = f"sum((x - mean(x)) ^ 2) / {number(float(count - correction))}"
        return f"let out = reshape({text}, {shape_text(c.out_shapes[0])})" if keep else f"let out = {text}"
    count = c.shape()[dim]
    return f"let d = x - mean(x, over = {dim}, keep = true); let out = sum(d * d, over = {dim}{', keep = true' if keep else ''}) / {number(float(count - correction))}"


def nll_loss(c):
    if c.kwargs.get("reduction") != "none":
        raise Unsupported("no program was written for this reduction")
    tail = "".join(f", {key} = {c.kwargs[key]}" for key in ("weight", "ignore_index") if key in c.kwargs)
    if c.rank() == 1:
        return f"let out = reshape(nll_each(reshape(x, [1, {c.shape()[0]}]), reshape(a, [1]){tail}), [])"
    return f"let out = nll_each(x, a{tail})"


def huber_loss(c):
    each, delta = c.kwargs["reduction"], number(c.kwargs["delta"])
    return {
        "none": f"let out = huber_each(x, a, delta = {delta})", "mean": f"let out = huber(x, a, delta = {delta})",
        "sum": f"let out = sum(huber_each(x, a, delta = {delta}))",
    }[each]


def kl_div(c):
    each = "exp(a) * (a - x)" if c.kwargs["log_target"] else "p_log_p(a) - a * x"
    return f"let out = {each}" if c.kwargs["reduction"] == "none" else f"let out = mean({each})"


def elementwise(text):
    return lambda c: f"let out = {text}"


def gelu(c):
    return "let out = gelu(x)" if c.kwargs["approximate"] == "none" else "let out = gelu_tanh(x)"


def softplus(c):
    beta, threshold = number(float(c.kwargs["beta"])), number(float(c.kwargs["threshold"]))
    return f"let out = where(x * {beta} > {threshold}, x, softplus({beta} * x) / {beta})"


def by_reduction(each, mean):
    return lambda c: f"let out = {each if c.kwargs.get('reduction', 'mean') == 'none' else mean}"


PROGRAMS = {
    "add": elementwise("x + a"), "mul": elementwise("x * a"), "sub": elementwise("x - a"),
    "addmm": elementwise("x + a @ b"), "bmm": elementwise("x @ a"), "matmul": elementwise("x @ a"),
    "clamp": clamp, "cumsum": cumsum, "exp": elementwise("exp(x)"), "log": elementwise("log(x)"), "masked_fill": masked_fill,
    "maximum": elementwise("max(x, a)"), "minimum": elementwise("min(x, a)"), "softmax": softmax_like("softmax"),
    "log_softmax": softmax_like("log_softmax"), "nn.functional.cross_entropy": cross_entropy,
    "nn.functional.cosine_similarity": cosine_similarity, "nn.functional.adaptive_avg_pool2d": adaptive_avg_pool2d,
    "nn.functional.avg_pool1d": avg_pool1d, "nn.functional.avg_pool2d": avg_pool2d,
    "nn.functional.max_pool1d": lambda c: max_pool(c, 1), "nn.functional.max_pool2d": lambda c: max_pool(c, 2),
    "nn.functional.binary_cross_entropy_with_logits": elementwise("binary_cross_entropy(x, a)"),
    "nn.functional.binary_cross_entropy": elementwise("-mean(a * log(x) + (1 - a) * log(1 - x))"),
    "nn.functional.relu": elementwise("relu(x)"), "nn.functional.elu": elementwise("elu(x)"), "nn.functional.selu": elementwise("selu(x)"),
    "nn.functional.prelu": elementwise("where(x > 0, x, a * x)"), "nn.functional.silu": elementwise("silu(x)"),
    "nn.functional.mish": elementwise("mish(x)"), "nn.functional.hardswish": elementwise("hardswish(x)"), "nn.functional.gelu": gelu,
    "nn.functional.softplus": softplus, "sigmoid": elementwise("sigmoid(x)"), "erf": elementwise("erf(x)"),
    "nn.functional.conv1d": lambda c: convolution(c, 1, False), "nn.functional.conv2d": lambda c: convolution(c, 2, False),
    "nn.functional.conv_transpose1d": lambda c: convolution(c, 1, True), "nn.functional.conv_transpose2d": lambda c: convolution(c, 2, True),
    "nn.functional.group_norm": lambda c: group_norm(c, c.args[0]), "nn.functional.instance_norm": lambda c: group_norm(c, c.shape()[1]),
    "nn.functional.layer_norm": layer_norm, "nn.functional.batch_norm": batch_norm, "nn.functional.pad": lambda c: pad(c, c.row["variant"]),
    "nn.functional.linear": linear, "nn.functional._scaled_dot_product_attention": attention, "permute": permute, "transpose": transpose,
    "pow": elementwise("x ^ a"), "rsqrt": elementwise("1 / sqrt(x)"), "sqrt": elementwise("sqrt(x)"), "einsum": einsum,
    "reshape": lambda c: f"let out = reshape(x, {shape_text(c.out_shapes[0])})", "gather": gather,
    "index_select": gather, "cat": cat, "logsumexp": logsumexp, "tril": lambda c: triangle(c, "<="), "triu": lambda c: triangle(c, ">="),
    "nn.functional.smooth_l1_loss": elementwise("huber(x, a)"), "nn.functional.l1_loss": by_reduction("abs(x - a)", "mae(x, a)"),
    "nn.functional.mse_loss": by_reduction("(x - a) ^ 2", "mse(x, a)"), "where": elementwise("where(a, x, b)"), "norm": norm,
    "nn.functional.embedding": lambda c: "let out[i, j, k] = x[a[i, j], k]", "amax": reduction("max"), "amin": reduction("min"), "mean": reduction("mean"),
    "sum": reduction("sum"), "prod": reduction("prod"), "var": variance, "nn.functional.nll_loss": nll_loss,
    "nn.functional.huber_loss": huber_loss, "nn.functional.kl_div": kl_div, "linalg.vector_norm": vector_norm,
}


def plain(program):
    """Without factors of 1."""
    return re.sub(r"(?<![\w.])1 \* ", "", program)


def row_text(row, arrays):
    case = Case(row, arrays)
    case.arrays_dtype = lambda label: arrays[dict(case.inputs)[label]].dtype
    try:
        status, program = "run", plain(PROGRAMS[row["op"]](case))
    except Unsupported as reason:
        status, program = f"unsupported: {reason}", "-"
    labels = ["out"] + [f"out{i}" for i in range(1, len(row["out"]))]
    pairs = lambda items: " ".join(f"{label}={name}" for label, name in items) or "-"
    floats = [label for label, name in zip(labels, row["out"]) if arrays[name].dtype.kind == "f"]
    gradients = [(label, name or "zero") for label, name in zip(case.differentiated, row["grads"])]
    return [row["id"], row["op"], status, program, pairs(case.inputs), pairs(zip(labels, row["out"])), pairs(zip(floats, row["cotangent"])), pairs(gradients)]


def main(json_path, npz_path):
    rows = json.loads(pathlib.Path(json_path).read_text())
    arrays = dict(np.load(npz_path))
    table = [["id", "op", "status", "program", "inputs", "outputs", "cotangents", "gradients"]] + [row_text(row, arrays) for row in rows]
    (HERE / "cases.tsv").write_text("".join("\t".join(row) + "\n" for row in table))
    if pathlib.Path(npz_path).resolve() != (HERE / "dev.npz").resolve():
        shutil.copyfile(npz_path, HERE / "dev.npz")
    missing = [row for row in table[1:] if row[2] != "run"]
    print(f"{len(table) - 1} cases, {len(missing)} unsupported")
    for row in missing:
        print(row[0], row[2])


if __name__ == "__main__":
    main(*sys.argv[1:])
