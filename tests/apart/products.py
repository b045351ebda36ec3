"""Random sums of products over indices, as matrix products, batched ones and their gradients are: against `numpy.einsum`.

Sizes are such that tiles, vectors and pieces of sums have rests, or nothing in them at all.
"""
import numpy as np
from case import Case
from tensors import SETUP, Tensors

LETTERS = "ijklm"
SIZES = [1, 2, 3, 4, 5, 8, 13, 16, 17, 31, 33, 64, 100, 129, 257, 1000, 4097]
MOST_POINTS = 1_000_000
MOST_ELEMENTS = 200_000


def points(indices, sizes):
    return int(np.prod([sizes[index] for index in indices], dtype=float))


def subscripts(choices, letters):
    """Some of the indices, in any order."""
    return "".join(choices.source.sample(letters, choices.whole(1, min(3, len(letters)))))


def checked(shown, size, dtype):
    """A number that depends on all elements and their places."""
    return f"sum(reshape({shown}, [-1]) * {dtype}(ramp(7, 11, {size})))"


def checksum(array):
    weights = (7.0 * np.arange(array.size)) % 11 - 5
    flat = np.ravel(array)
    return np.array(flat @ weights), float(np.abs(flat) @ np.abs(weights))


def generate(choices):
    """A sum of products, or its gradient by the first factor; `None` where it is too large."""
    letters = LETTERS[: choices.whole(2, 5)]
    nothing = [0] * choices.chance(0.05)
    sizes = {letter: choices.pick(SIZES + nothing) for letter in letters}
    of_a, of_b = subscripts(choices, letters), subscripts(choices, letters)
    # The second factor may be the first as another shape, at other places.
    of_itself = choices.chance(0.25)
    if of_itself:
        of_b = "".join(choices.source.sample(of_a, len(of_a)))
    bound = sorted(set(of_a + of_b))
    if points(bound, sizes) > MOST_POINTS:
        return None
    free = choices.source.sample(bound, choices.whole(1, len(bound)))
    reduced = [letter for letter in bound if letter not in free]
    dtype = choices.pick(["f32", "f32", "f64"])
    tensors = Tensors(choices, large=True)
    (text_a, a), (text_b, b) = (tensors.pattern(tuple(sizes[index] for index in of)) for of in (of_a, of_b))
    if max(a.size, b.size, points(free, sizes)) > MOST_ELEMENTS:
        return None
    if of_itself:
        text_b, b = f"reshape(RESULTa, [{', '.join(map(str, b.shape))}])", a.reshape(b.shape)
    result = np.einsum(f"{of_a},{of_b}->{''.join(free)}", a, b)
    reduction = f"sum[{', '.join(reduced)}] " if reduced else ""
    statements = (
        f"let RESULTa = {dtype}({text_a})\nlet RESULTb = {dtype}({text_b})\n"
        f"let RESULT[{', '.join(free)}] = {reduction}RESULTa[{', '.join(of_a)}] * RESULTb[{', '.join(of_b)}]\n"
    )
    shown, array = "RESULT", result
    if not of_itself and choices.chance(0.4):
        shown, array = "grad(sum(RESULT * RESULT), RESULTa)", gradient(result, b, a, free, of_a, of_b)
    expected, reach = checksum(array)
    relative = 2e-6 if dtype == "f32" else 1e-12
    return Case(SETUP, statements, expected, checked(shown, array.size, dtype), 0.0, 1e-3 + relative * reach, 4)


def gradient(result, b, a, free, of_a, of_b):
    """Of the sum of squares, by the first factor: twice the result times the second factor, summed over what the first has not."""
    slopes = np.einsum(f"{''.join(free)},{of_b}->{''.join(sorted(set(free) | set(of_b)))}", 2.0 * result, b)
    have = sorted(set(free) | set(of_b))
    kept = [letter for letter in of_a if letter in have]
    slopes = np.einsum(f"{''.join(have)}->{''.join(kept)}", slopes)
    shape = [size if letter in kept else 1 for letter, size in zip(of_a, a.shape)]
    return np.broadcast_to(slopes.reshape(shape), a.shape)
