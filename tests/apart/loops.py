"""Random programs of loops, branches, batches and prints over a few numbers, run step by step in Python.

A block is a pair of its text and a function that changes the variables and appends what is printed.
"""
import itertools

import numpy as np
from case import Case

ROWS = [1.0, -2.0, 3.0, 0.0, 2.0]
REALS = ["a", "b", "c"]
WHOLES = ["m", "n"]
START = {"a": 1.0, "b": 2.0, "c": -1.0, "m": 1, "n": 2}
MOST_PRINTED = 3000

ARITHMETIC = {"+": lambda x, y: x + y, "-": lambda x, y: x - y, "max": max, "min": min}
DIVISIONS = {"%": lambda x, y: x % y, "//": lambda x, y: x // y}
COMPARISONS = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}
BATCH_SUMS = {
    "sum({0}.x)": sum,
    "max({0}.x)": max,
    "sum(2.0 * {0}.x)": lambda rows: 2.0 * sum(rows),
    "sum(0.0 * {0}.x + 1.0)": lambda rows: float(len(rows)),
}


class Loops:
    """Blocks of statements. `counters` are the loop variables in sight."""

    def __init__(self, choices):
        self.choices = choices
        self.numbers = itertools.count(1)

    def real(self, counters, depth):
        if depth <= 0 or self.choices.chance(0.35):
            kind = self.choices.pick(["number", "whole", "name", "name"])
            if kind == "number":
                value = float(self.choices.whole(-2, 3))
                return f"({value})", lambda state: value
            if kind == "whole":
                text, whole = self.whole(counters, 0)
                return f"f32({text})", lambda state: float(whole(state))
            name = self.choices.pick(REALS)
            return name, lambda state: state[name]
        a, at_a = self.real(counters, depth - 1)
        kind = self.choices.pick(["half", "where", "pair", "pair", "pair", "pair"])
        if kind == "half":
            return f"(0.5 * {a})", lambda state: 0.5 * at_a(state)
        b, at_b = self.real(counters, depth - 1)
        if kind == "where":
            c, at_c = self.condition(counters)
            return f"where({c}, {a}, {b})", lambda state: at_a(state) if at_c(state) else at_b(state)
        operator = self.choices.pick(ARITHMETIC)
        written = f"({a} {operator} {b})" if len(operator) == 1 else f"{operator}({a}, {b})"
        return written, lambda state: ARITHMETIC[operator](at_a(state), at_b(state))

    def whole(self, counters, depth):
        if depth <= 0 or self.choices.chance(0.4):
            if self.choices.chance(0.6):
                name = self.choices.pick(WHOLES + counters)
                return name, lambda state: state[name]
            value = self.choices.whole(0, 3)
            return str(value), lambda state: value
        a, at_a = self.whole(counters, depth - 1)
        if self.choices.chance(0.5):
            operator, by = self.choices.pick(DIVISIONS), self.choices.whole(2, 4)
            return f"({a} {operator} {by})", lambda state: DIVISIONS[operator](at_a(state), by)
        b, at_b = self.whole(counters, depth - 1)
        operator = self.choices.pick("+-")
        return f"({a} {operator} {b})", lambda state: ARITHMETIC[operator](at_a(state), at_b(state))

    def condition(self, counters):
        if self.choices.chance(0.5):
            (a, at_a), (b, at_b) = self.real(counters, 0), self.real(counters, 0)
        else:
            (a, at_a), (b, at_b) = self.whole(counters, 1), self.whole(counters, 0)
        operator = self.choices.pick(COMPARISONS)
        return f"{a} {operator} {b}", lambda state: COMPARISONS[operator](at_a(state), at_b(state))

    def block(self, counters, depth, count):
        parts = [self.statement(counters, depth) for _ in range(count)]

        def run(state, printed):
            for _, part in parts:
                part(state, printed)

        return "".join(text for text, _ in parts), run

    def inner(self, counters, depth):
        return self.block(counters, depth - 1, self.choices.whole(1, 3))

    def statement(self, counters, depth):
        if depth > 0 and self.choices.chance(0.4):
            forms = [self.repeat, self.counted, self.branch, self.rows, self.until, self.batches, self.batches]
            return self.choices.pick(forms)(counters, depth)
        if self.choices.chance(0.25):
            name = self.choices.pick(REALS + WHOLES)
            return f"print {name}\n", lambda state, printed: printed.append(float(state[name]))
        if self.choices.chance(0.55):
            name, (text, value) = self.choices.pick(REALS), self.real(counters, 2)
        else:
            name, (text, value) = self.choices.pick(WHOLES), self.whole(counters, 2)
        binding = self.choices.pick(["let ", ""])
        return f"{binding}{name} = {text}\n", lambda state, printed: state.update({name: value(state)})

    def repeat(self, counters, depth):
        turns = self.choices.whole(0, 3)
        text, body = self.inner(counters, depth)

        def run(state, printed):
            for _ in range(turns):
                body(state, printed)

        return f"repeat {turns} {{\n{text}}}\n", run

    def counted(self, counters, depth):
        name = f"i{next(self.numbers)}"
        low = self.choices.whole(-1, 2)
        high = low + self.choices.whole(0, 3)
        included = self.choices.chance(0.3)
        text, body = self.inner(counters + [name], depth)

        def run(state, printed):
            for state[name] in range(low, high + included):
                body(state, printed)

        return f"for {name} in ({low})..{'=' * included}({high}) {{\n{text}}}\n", run

    def branch(self, counters, depth):
        condition, holds = self.condition(counters)
        text, body = self.inner(counters, depth)
        other, otherwise = self.inner(counters, depth)
        both = self.choices.chance(0.6)

        def run(state, printed):
            if holds(state):
                body(state, printed)
            elif both:
                otherwise(state, printed)

        rest = f" else {{\n{other}}}\n" if both else "\n"
        return f"if {condition} {{\n{text}}}{rest}", run

    def rows(self, counters, depth):
        """A loop over the elements of a list, each of which is added to a variable."""
        values = [float(self.choices.whole(-2, 2)) for _ in range(self.choices.whole(1, 3))]
        name, into = f"r{next(self.numbers)}", self.choices.pick(REALS)
        text, body = self.inner(counters, depth)

        def run(state, printed):
            for value in values:
                state[into] += value
                body(state, printed)

        return f"for {name} in {values} {{\n{into} = {into} + {name}\n{text}}}\n", run

    def until(self, counters, depth):
        condition, holds = self.condition(counters)
        most = self.choices.whole(1, 3)
        text, body = self.inner(counters, depth)

        def run(state, printed):
            for _ in range(most):
                body(state, printed)
                if holds(state):
                    break

        return f"repeat until {condition}, at most {most} {{\n{text}}}\n", run

    def batches(self, counters, depth):
        """A loop over the batches of a data set, of each of which a number is added to a variable."""
        name, size, into = f"q{next(self.numbers)}", self.choices.whole(1, 6), self.choices.pick(REALS)
        written = self.choices.pick(BATCH_SUMS)
        text, body = self.inner(counters, depth)

        def run(state, printed):
            for start in range(0, len(ROWS), size):
                state[into] += BATCH_SUMS[written](ROWS[start:start + size])
                body(state, printed)

        added = written.format(name)
        return f"for {name} in set |> batches({size}) {{\n{into} = {into} + {added}\n{text}}}\n", run


def generate(choices):
    """A whole program; `None` where it prints too much, or numbers that are too large."""
    text, run = Loops(choices).block([], 3, choices.whole(3, 8))
    state, printed = dict(START), []
    run(state, printed)
    names = REALS + WHOLES
    printed += [float(state[name]) for name in names]
    if len(printed) > MOST_PRINTED or max(map(abs, printed)) > 1e6:
        return None
    at_run_time = choices.chance(0.5)
    start = {name: f"{'f32' if name in REALS else 'i32'}({value})" if at_run_time else value for name, value in START.items()}
    head = f"let set = data(x = {ROWS})\n" + "".join(f"let {name} = {value}\n" for name, value in start.items())
    tail = "".join(f"print {name}\n" for name in names)
    return Case("", head + text + tail, np.array(printed), "", 1e-5, 1e-5)
