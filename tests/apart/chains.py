"""Random chains of square matrices, each made of one or two before it at several places at once: transposed, backward, a row, a column.

The memory of what nobody reads any more is used again, so a matrix must not be made where it is still to be read.
"""
import numpy as np
from case import Case
from tensors import SETUP

LAST = 3
# Of two matrices a and b and the greatest index: the element at (i, j) as the language writes it, and the matrix in NumPy.
FORMS = [
    ("{a}[i, j] * 0.5 + {b}[j, i] * 0.25", lambda a, b: a * 0.5 + b.T * 0.25),
    ("tanh({a}[i, j]) - {b}[i, j] * 0.5", lambda a, b: np.tanh(a) - b * 0.5),
    ("max({a}[i, j], {b}[{top} - i, j])", lambda a, b: np.maximum(a, b[::-1])),
    ("{a}[i, {top} - j] + {b}[i, j] * 0.5", lambda a, b: a[:, ::-1] + b * 0.5),
    ("{a}[i, j] + {b}[i, 0] * 0.5", lambda a, b: a + b[:, :1] * 0.5),
    ("{a}[0, j] * 0.5 + {b}[i, j]", lambda a, b: a[:1] * 0.5 + b),
]


def generate(choices):
    """A chain of two to seven matrices, of which a checksum of the last is printed."""
    size = choices.pick([4, 16, 33, 64, 130])
    count = size * size
    ramp = ((7.0 * np.arange(count)) % 11 - 5).reshape(size, size)
    matrices = [("RESULT0", ramp / 8)]
    lines = [f"let RESULT0 = reshape(ramp(7, 11, {count}), [{size}, {size}]) / 8"]
    for number in range(1, choices.whole(3, 8)):
        (a, left), (b, right) = choices.pick(matrices[-LAST:]), choices.pick(matrices[-LAST:])
        form, compute = choices.pick(FORMS)
        name = f"RESULT{number}"
        lines.append(f"let {name}[i, j] = {form.format(a=a, b=b, top=size - 1)}")
        if choices.chance(0.5):
            lines.append(f"let {name} = reshape(reshape({name}, [{count}]), [{size}, {size}])")
        matrices.append((name, compute(left, right)))
    name, last = matrices[-1]
    reach = float(np.ravel(np.abs(last)) @ np.ravel(np.abs(ramp)))
    shown = f"sum(reshape({name}, [-1]) * ramp(7, 11, {count}))"
    expected = np.array(np.ravel(last) @ np.ravel(ramp))
    return Case(SETUP, "\n".join(lines) + "\n", expected, shown, 0.0, 1e-3 + 1e-5 * reach, 4)
