"""Random programs in index notation: accesses, gathers, reductions within each other, whole numbers, gradients.

An expression is a pair of its text and a function of a point, which gives its value in Python. A point maps the names of the
indices to their values, and the names of the tensors to arrays.
"""
import itertools
import math

import numpy as np
from case import Case

SIZES = {"i": 3, "j": 4}
TABLES = {
    "f32": [[float((3 * a + 5 * b) % 7 - 3) for b in range(4)] for a in range(3)],
    "f64": [[0.37 * a - 0.71 * b + 0.13 * a * b + 0.41 for b in range(4)] for a in range(3)],
}
VECTORS = {"f32": [2.0, -1.0, 0.0, 3.0], "f64": [0.7, -1.3, 0.2, 1.9]}
ROWS = [2, 0, 1]
STEP = 1e-5

OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}
REDUCERS = {
    "sum": sum,
    "max": max,
    "min": min,
    "prod": math.prod,
    "mean": lambda values: sum(values) / len(values),
    "argmax": lambda values: values.index(max(values)),
}
FUNCTIONS = {
    "tanh": math.tanh,
    "sin": math.sin,
    "exp": lambda a: math.exp(min(a, 20.0)),
    "sqrt": lambda a: math.sqrt(a * a + 1.0),
}


class Indices:
    """Expressions over indices, in `f32` on whole numbers, which are exact, or in `f64` with smooth functions."""

    def __init__(self, choices, dtype):
        self.choices = choices
        self.dtype = dtype
        self.names = (f"k{number}" for number in itertools.count(1))

    def number(self, value):
        return f"{self.dtype}({value})", lambda point: value

    def subscript(self, sizes, size):
        """A whole-number expression within `0..size`."""
        fitting = [name for name, most in sizes.items() if most <= size]
        if fitting and self.choices.chance(0.6):
            name = self.choices.pick(fitting)
            return name, lambda point: point[name]
        terms = {name: self.choices.pick([-2, -1, 1, 1, 2, 3]) for name in self.few(sizes)}
        low = sum(min(0, by * (sizes[name] - 1)) for name, by in terms.items())
        high = sum(max(0, by * (sizes[name] - 1)) for name, by in terms.items())
        if high - low >= size:
            text, value = self.whole(sizes, 1)
            return f"({text}) % {size}", lambda point: value(point) % size
        offset = self.choices.whole(-low, size - 1 - high)
        text = " + ".join([str(offset)] + [f"{by} * {name}" for name, by in terms.items()])
        return text.replace("+ -", "- "), lambda point: offset + sum(by * point[name] for name, by in terms.items())

    def few(self, sizes):
        count = min(len(sizes), self.choices.whole(0, 2))
        return self.choices.source.sample(sorted(sizes), count)

    def access(self, sizes):
        """An element of the matrix `x`, of the vector `v`, or of a row of `x` that `e` names."""
        kind = self.choices.pick(["x", "x", "v", "gather"])
        column, at_column = self.subscript(sizes, 4)
        if kind == "v":
            return f"v[{column}]", lambda point: point["v"][at_column(point)]
        row, at_row = self.subscript(sizes, 3)
        if kind == "gather":
            return f"x[e[{row}], {column}]", lambda point: point["x"][ROWS[at_row(point)]][at_column(point)]
        return f"x[{row}, {column}]", lambda point: point["x"][at_row(point)][at_column(point)]

    def leaf(self, sizes):
        kind = self.choices.pick(["number", "access", "access", "access", "whole"])
        if kind == "number":
            return self.number(self.choices.pick([0.0, 1.0, 1.0, 2.0, -1.0, 0.5]))
        if kind == "access":
            return self.access(sizes)
        text, value = self.whole(sizes, 1)
        return f"{self.dtype}({text})", lambda point: float(value(point))

    def real(self, sizes, depth):
        """A float expression."""
        if depth <= 0 or self.choices.chance(0.18):
            return self.leaf(sizes)
        kind = self.choices.pick(["pair"] * 4 + ["where"] + ["function"] * (self.dtype == "f64") + ["reduction"] * 5)
        if kind == "reduction":
            return self.reduction(sizes, depth, ["sum", "sum", "max", "min", "prod", "mean"], self.real)
        a, at_a = self.real(sizes, depth - 1)
        if kind == "function":
            name = self.choices.pick(FUNCTIONS)
            written = {"exp": f"exp(min({a}, 20.0))", "sqrt": f"sqrt({a} * {a} + 1.0)"}
            return written.get(name, f"{name}({a})"), lambda point: FUNCTIONS[name](at_a(point))
        b, at_b = self.real(sizes, depth - 1)
        if kind == "where":
            c, at_c = self.condition(sizes, depth - 1)
            return f"where({c}, {a}, {b})", lambda point: at_a(point) if at_c(point) else at_b(point)
        operator = self.choices.pick(["+", "-", "*", "max", "min"])
        if operator in REDUCERS:
            choose = REDUCERS[operator]
            return f"{operator}({a}, {b})", lambda point: choose(at_a(point), at_b(point))
        apply = OPERATORS[operator]
        return f"({a} {operator} {b})", lambda point: apply(at_a(point), at_b(point))

    def whole(self, sizes, depth):
        """An `i32` expression."""
        if depth <= 0 or self.choices.chance(0.5):
            if sizes and self.choices.chance(0.7):
                name = self.choices.pick(sizes)
                return name, lambda point: point[name]
            value = self.choices.whole(0, 3)
            return str(value), lambda point: value
        if self.choices.chance(0.4):
            if self.choices.chance(0.4):
                return self.reduction(sizes, 2, ["argmax"], self.real)
            return self.reduction(sizes, depth, ["sum", "max", "min", "prod"], self.whole)
        a, at_a = self.whole(sizes, depth - 1)
        operator = self.choices.pick("+-*//%" if self.choices.chance(0.5) else "+-*")
        if operator in "/%":
            by = self.choices.whole(2, 4)
            operator = "//" if operator == "/" else operator
            return f"(({a}) {operator} {by})", lambda point: OPERATORS[operator](at_a(point), by)
        b, at_b = self.whole(sizes, depth - 1)
        return f"({a} {operator} {b})", lambda point: OPERATORS[operator](at_a(point), at_b(point))

    def condition(self, sizes, depth):
        if self.choices.chance(0.5):
            (a, at_a), (b, at_b) = self.real(sizes, depth), self.real(sizes, depth)
            operator = self.choices.pick(["<", "<=", ">"])
        else:
            (a, at_a), (b, at_b) = self.whole(sizes, 1), self.whole(sizes, 1)
            operator = self.choices.pick(["<", "<=", "==", "!="])
        return f"({a} {operator} {b})", lambda point: OPERATORS[operator](at_a(point), at_b(point))

    def reduction(self, sizes, depth, reducers, inner):
        """A reduction over one or two new indices with written bounds."""
        reducer = self.choices.pick(reducers)
        count = 2 if reducer != "argmax" and self.choices.chance(0.2) else 1
        bounds = {next(self.names): self.choices.whole(1, 4 if count == 1 else 2) for _ in range(count)}
        body, value = inner({**sizes, **bounds}, depth - 1)
        reduce = REDUCERS[reducer]

        def evaluate(point):
            ranges = itertools.product(*(range(size) for size in bounds.values()))
            return reduce([value({**point, **dict(zip(bounds, at))}) for at in ranges])

        written = ", ".join(f"{name} < {size}" for name, size in bounds.items())
        return f"({reducer}[{written}]({body}))", evaluate


def setup(dtype):
    """The tensors that the expressions read."""
    return (
        f"let x: {dtype}[3, 4] = {TABLES[dtype]}\n"
        f"let v: {dtype}[4] = {VECTORS[dtype]}\n"
        f"let e: i32[3] = {ROWS}\n"
    )


def everywhere(value, sizes, x, v):
    """The tensor of an expression's values."""
    points = itertools.product(*(range(size) for size in sizes.values()))
    values = [value({"x": x, "v": v, **dict(zip(sizes, at))}) for at in points]
    return np.array(values, dtype=float).reshape(tuple(sizes.values()))


def slopes(value, sizes, x, v):
    """The gradient of the sum by `x`, by differences; NaN where those of the two sides disagree, as at a kink."""
    middle = everywhere(value, sizes, x, v).sum()
    found = np.zeros((3, 4))
    for row, column in np.ndindex(3, 4):
        sides = []
        for step in (-STEP, STEP):
            moved = [list(line) for line in x]
            moved[row][column] += step
            sides.append((everywhere(value, sizes, moved, v).sum() - middle) / step)
        agree = abs(sides[0] - sides[1]) < 1e-3 * (1.0 + abs(sides[0]))
        found[row, column] = sum(sides) / 2 if agree else math.nan
    return found


def generate(choices):
    """A definition over indices, or the gradient of one; `None` where its values are too large to compare."""
    dtype = choices.pick(["f32", "f64"])
    expressions = Indices(choices, dtype)
    sizes = choices.pick([SIZES, SIZES, {"i": 3}, {"j": 4}])
    text, value = expressions.real(sizes, choices.pick([2, 3, 3, 4]))
    x, v = TABLES[dtype], VECTORS[dtype]
    expected = everywhere(value, sizes, x, v)
    if np.abs(expected).max() > 1e6:
        return None
    bounds = ", ".join(f"{name} < {size}" for name, size in sizes.items())
    statements = f"let RESULT[{bounds}] = {text}\n"
    if dtype == "f32":
        return Case(setup(dtype), statements, expected)
    if "x[" in text and choices.chance(0.5):
        expected = slopes(value, sizes, x, v)
        if np.nanmax(np.abs(expected), initial=0.0) > 1e6:
            return None
        return Case(setup(dtype), statements, expected, "grad(sum(RESULT), x)", 1e-4, 1e-4, 6)
    return Case(setup(dtype), statements, expected, "RESULT", 1e-9, 1e-8, 9)
