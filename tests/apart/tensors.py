"""Random expressions of whole tensors: broadcasting, reductions over dimensions, slices, products, `concat`, `pad`, `scan` and the like.

An expression is a pair of its text and the array that NumPy computes.
"""
import numpy as np
from case import Case

REDUCERS = {"sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod, "mean": np.mean}
LARGEST = 400
LONGEST = 1500
MOST = 1e5
MOST_ELEMENTS = 1 << 17
SETUP = """fn ramp(by, modulus, size) {
    let r[i < size] = f32((by * i) % modulus - modulus // 2)
    r
}
"""


def literal(array):
    """A tensor of whole numbers as the language writes it."""
    if array.ndim == 0:
        return f"f32({int(array)})"
    if array.size == 0:
        return f"zeros[{', '.join(map(str, array.shape))}]"
    parts = (literal(part) if part.ndim else f"{int(part)}.0" for part in array)
    return f"[{', '.join(parts)}]"


class Tensors:
    """Expressions of whole tensors. `large` ones have sizes at which tasks, tiles and vectors have rests. `largest` is the greatest value
    on the way, `exact` says that no value on the way was rounded."""

    def __init__(self, choices, large):
        self.choices = choices
        self.large = large
        self.largest = 0.0
        self.exact = True
        self.forms = [
            self.broadcast, self.choice, self.reduction, self.reduction, self.whole_sum, self.slice, self.elements, self.concat,
            self.stack, self.pad, self.transpose, self.permutation, self.reshape, self.product, self.part, self.position,
            self.running_sum, self.magnitude, self.convolution,
        ]

    def leaf(self):
        if self.large:
            shape = tuple(self.choices.pick([1, 3, 7, 16, 17, 33, 65]) for _ in range(self.choices.whole(1, 3)))
            return self.pattern(shape)
        sizes = [1, 2, 3, 2, 3, 4] + [0] * self.choices.chance(0.1)
        shape = tuple(self.choices.pick(sizes) for _ in range(self.choices.whole(0, 3)))
        values = [self.choices.whole(-3, 3) for _ in range(int(np.prod(shape)))]
        array = np.array(values, dtype=float).reshape(shape)
        return literal(array), array

    def pattern(self, shape):
        """A tensor that a formula of its positions fills, so that its text stays short."""
        flat = np.arange(int(np.prod(shape)))
        by, modulus = self.choices.pick([3, 5, 11]), self.choices.pick([5, 7])
        array = ((by * flat) % modulus - modulus // 2).astype(float).reshape(shape)
        text = f"reshape(ramp({by}, {modulus}, {array.size}), [{', '.join(map(str, shape))}])"
        return text, array

    def expression(self, depth):
        if depth <= 0 or self.choices.chance(0.12):
            return self.leaf()
        text, array = self.expression(depth - 1)
        made = self.choices.pick(self.forms)(text, array, depth)
        if made is None or made[1].size > MOST_ELEMENTS:
            return text, array
        if made[1].size:
            self.largest = max(self.largest, float(np.abs(made[1]).max()))
        return made

    def axis(self, array):
        return self.choices.whole(-array.ndim, array.ndim - 1)

    def broadcast(self, text, a, depth):
        other, b = self.expression(depth - 1)
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            return None
        name = self.choices.pick(["+", "-", "*", "max", "min"])
        compute = {"+": np.add, "-": np.subtract, "*": np.multiply, "max": np.maximum, "min": np.minimum}[name]
        written = f"({text} {name} {other})" if len(name) == 1 else f"{name}({text}, {other})"
        return written, compute(a, b)

    def choice(self, text, a, depth):
        mask, c = self.leaf()
        try:
            np.broadcast_shapes(a.shape, c.shape)
        except ValueError:
            return None
        return f"where({mask} > 0.0, {text}, 1.0 - {text})", np.where(c > 0, a, 1 - a)

    def reduction(self, text, a, depth):
        if a.ndim == 0:
            return None
        axis, keep, name = self.axis(a), self.choices.chance(0.4), self.choices.pick(REDUCERS)
        if a.shape[axis] == 0:
            return None
        self.exact &= name != "mean"
        kept = ", keep = true" if keep else ""
        return f"{name}({text}, over = {axis}{kept})", REDUCERS[name](a, axis=axis, keepdims=keep)

    def whole_sum(self, text, a, depth):
        return f"sum({text})", np.sum(a)

    def slice(self, text, a, depth):
        if a.ndim == 0:
            return None
        axis = self.axis(a) % a.ndim
        size = a.shape[axis]
        low = self.choices.whole(0, size)
        high = self.choices.whole(low, size)
        start = str(low - size) if low < size and self.choices.chance(0.4) else str(low)
        end = ("" if high == size else str(high - size)) if self.choices.chance(0.4) else str(high)
        parts, places = [":"] * a.ndim, [slice(None)] * a.ndim
        parts[axis], places[axis] = f"{start}:{end}", slice(low, high)
        return f"({text})[{', '.join(parts)}]", a[tuple(places)]

    def elements(self, text, a, depth):
        if a.ndim == 0 or a.size == 0:
            return None
        places = [self.choices.whole(0, size - 1) if self.choices.chance(0.5) else slice(None) for size in a.shape]
        parts = [":" if isinstance(place, slice) else str(place) for place in places]
        return f"({text})[{', '.join(parts)}]", a[tuple(places)]

    def concat(self, text, a, depth):
        if a.ndim == 0:
            return None
        axis = self.axis(a)
        return f"concat({text}, {text} * 2.0, over = {axis})", np.concatenate([a, a * 2], axis=axis)

    def stack(self, text, a, depth):
        axis = self.choices.whole(-a.ndim - 1, a.ndim)
        return f"stack({text}, 1.0 - {text}, over = {axis})", np.stack([a, 1 - a], axis=axis)

    def pad(self, text, a, depth):
        if a.ndim == 0:
            return None
        axis, left, right = self.axis(a), self.choices.whole(0, 2), self.choices.whole(0, 2)
        widths = [(0, 0)] * a.ndim
        widths[axis] = (left, right)
        written = f"pad({text}, left = {left}, right = {right}, over = {axis}, fill = 1.0)"
        return written, np.pad(a, widths, constant_values=1.0)

    def transpose(self, text, a, depth):
        return None if a.ndim < 2 else (f"transpose({text})", np.swapaxes(a, -1, -2))

    def permutation(self, text, a, depth):
        if a.ndim < 2:
            return None
        order = self.choices.source.sample(range(a.ndim), a.ndim)
        return f"transpose({text}, [{', '.join(map(str, order))}])", np.transpose(a, order)

    def reshape(self, text, a, depth):
        if a.size == 0:
            return None
        rows = self.choices.pick([size for size in range(1, a.size + 1) if a.size % size == 0])
        return f"reshape({text}, [{rows}, -1])", a.reshape(rows, -1)

    def product(self, text, a, depth):
        if a.ndim == 0 or a.size == 0:
            return None
        columns = self.choices.pick([1, 17, 33] if self.large else [1, 2, 3])
        shape = (a.shape[-1], columns) if self.choices.chance(0.7) else (a.shape[-1],)
        other, b = self.pattern(shape)
        return f"({text} @ {other})", a @ b

    def part(self, text, a, depth):
        if a.ndim == 0 or a.size == 0:
            return None
        axis = self.axis(a) % a.ndim
        count = self.choices.pick([size for size in range(1, a.shape[axis] + 1) if a.shape[axis] % size == 0])
        at = self.choices.whole(0, count - 1)
        return f"(split({text}, {count}, over = {axis})[{at}])", np.split(a, count, axis=axis)[at]

    def position(self, text, a, depth):
        """Where the maximum is: only of exact values, of which no two differ by a rounding."""
        if a.ndim == 0 or a.size == 0 or not self.exact or self.largest > MOST:
            return None
        axis = self.axis(a)
        return f"f32(argmax({text}, over = {axis}))", np.argmax(a, axis=axis).astype(float)

    def running_sum(self, text, a, depth):
        if a.ndim == 0 or a.size == 0:
            return None
        start = "zeros[" + ", ".join(map(str, a.shape[1:])) + "]"
        reverse = self.choices.chance(0.3)
        sums = np.cumsum(a[::-1], axis=0)[::-1] if reverse else np.cumsum(a, axis=0)
        return f"(scan {'reverse ' * reverse}q in {text}, h = {start} {{ h + q }})", sums

    def convolution(self, text, a, depth):
        """A convolution of planes of its own, added to what is there by its sum."""
        stride, padding, dilation, kernel = (self.choices.pick(some) for some in ([1, 1, 2, 3], [0, 0, 1, 2], [1, 1, 2], [1, 2, 3]))
        most = 17 if self.large else 6
        height, width = (self.choices.whole(dilation * (kernel - 1) + 1, most) for _ in range(2))
        batch, channels, outputs = (self.choices.pick([1, 2, 3]) for _ in range(3))
        planes, x = self.pattern((batch, channels, height, width))
        filters, w = self.pattern((outputs, channels, kernel, kernel))
        x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
        rows = (height + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        columns = (width + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        result = np.zeros((batch, outputs, rows, columns))
        for i, j in np.ndindex(kernel, kernel):
            part = x[:, :, i * dilation:, j * dilation:][:, :, ::stride, ::stride][:, :, :rows, :columns]
            result += np.einsum("nchw,oc->nohw", part, w[:, :, i, j])
        written = f"conv2d_op({planes}, {filters}, stride = {stride}, padding = {padding}, dilation = {dilation})"
        return f"({written} + sum({text}))", result + a.sum()

    def magnitude(self, text, a, depth):
        return f"abs({text})", np.abs(a)


def generate(choices):
    """An expression of whole tensors; `None` where it is too long, or its values are too large to be exact."""
    tensors = Tensors(choices, large=choices.chance(0.3))
    text, array = tensors.expression(choices.pick([2, 3, 4, 5]))
    array = np.asarray(array, dtype=float)
    if len(text) > LONGEST or tensors.largest > MOST:
        return None
    statements = f"let RESULT = {text}\n"
    absolute = 1e-3 + 1e-6 * tensors.largest
    if array.size <= LARGEST:
        return Case(SETUP, statements, array, absolute=absolute)
    weights = (7.0 * np.arange(array.size)) % 11 - 5
    flat = np.ravel(array)
    absolute += 1e-6 * float(np.abs(flat) @ np.abs(weights))
    shown = f"sum(reshape(RESULT, [-1]) * ramp(7, 11, {array.size}))"
    return Case(SETUP, statements, np.array(flat @ weights), shown, absolute=absolute)
