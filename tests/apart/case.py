"""What the generators of random programs make: a piece of a program, and what it must print."""
from dataclasses import dataclass

import numpy as np


@dataclass
class Case:
    """A piece of a program. Where it says `RESULT`, a name of its own is put."""

    setup: str
    statements: str
    expected: np.ndarray
    shown: str = "RESULT"
    relative: float = 1e-5
    absolute: float = 2e-3
    digits: int = 4

    def text(self, name):
        """The statements, and the one that prints the result."""
        shown = self.shown.replace("RESULT", name)
        printed = f'print "{{{shown}:.{self.digits}}}"\n' if shown else ""
        return self.statements.replace("RESULT", name) + printed

    def difference(self, found):
        """What is wrong with the printed numbers; `None` where they agree. An expected NaN is not compared."""
        wanted = np.ravel(self.expected)
        if len(found) != wanted.size:
            return f"{len(found)} numbers in place of {wanted.size}"
        known = ~np.isnan(wanted)
        with np.errstate(invalid="ignore"):
            far = np.abs(found - wanted) > self.absolute + self.relative * np.abs(wanted)
            equal = found == wanted
        wrong = known & ~equal & (far | np.isnan(found))
        if not wrong.any():
            return None
        at = int(np.argmax(wrong))
        return f"number {at} is {found[at]}, computed apart {wanted[at]}"


class Choices:
    """A source of choices: Python's random numbers, with words for what the generators ask."""

    def __init__(self, source):
        self.source = source

    def chance(self, probability):
        return self.source.random() < probability

    def pick(self, among):
        return self.source.choice(list(among))

    def whole(self, low, high):
        """A whole number of `low..=high`."""
        return self.source.randint(low, high)
