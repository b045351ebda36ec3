"""Compares what random programs print with what Python and NumPy compute for them, apart from the compiler.

    python3 tests/apart/compare.py --dlmc target/release/dlmc [--count 1000] [--seed 1] [--kinds indices,loops]

Five kinds: definitions over indices and their gradients (`indices.py`, against plain Python in 64 bits and differences), expressions of
whole tensors (`tensors.py`, against NumPy), sums of products and their gradients (`products.py`, against `numpy.einsum`), chains of
matrices that are read at several places (`chains.py`), and programs of loops, branches and batches (`loops.py`, step by step in
Python). `--count` pieces of each are made from the seed; pieces of one kind share a program, some at a time, and are run alone where
that program fails. The programs run on one thread or three, at the processor's level of instructions or at `baseline`, with all passes
or without one, by the seed too.

A number may differ by the tolerance that its case states: what `f32` rounds, 1e-9 in `f64`, 1e-4 of a gradient by differences. A refusal
with a message and exit code 1 or 2 is counted, not a difference, since a generator may write what the language forbids; the most
frequent are shown. Each difference is printed with its program; the exit code is 1 where there was one, or where most programs were
refused. Needs NumPy.
"""
import argparse
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import chains
import indices
import loops
import numpy as np
import products
import tensors
from case import Choices

# For each kind what makes a case, and how many cases share a program.
KINDS = {
    "indices": (indices.generate, 12),
    "tensors": (tensors.generate, 12),
    "products": (products.generate, 12),
    "chains": (chains.generate, 4),
    "loops": (loops.generate, 1),
}
NUMBER = re.compile(r"-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf|nan)")
BETWEEN = "----"
LONGEST_RUN = 300
FAULTS = ("fault of the compiler", "panicked")
PASSES = [
    "simplify", "cse", "dce", "views", "presum", "factor", "chain", "hoist", "fuse", "residue", "outline", "narrow", "order", "bundle",
    "tiles", "turns",
]


class Runner:
    """Runs programs with one binary, each in a way that the seed chooses."""

    def __init__(self, binary, folder, choices):
        self.binary, self.file, self.choices = binary, Path(folder) / "program.dlm", choices
        self.options = []

    def run(self, cases):
        """The exit code, and what was printed for each case (or all of it, where the run failed)."""
        setups = "".join(dict.fromkeys(case.setup for case in cases))
        parts = [case.text(f"result{at}") for at, case in enumerate(cases)]
        self.file.write_text(setups + f'print "{BETWEEN}"\n'.join(parts), encoding="utf-8")
        self.options = ["--threads", self.choices.pick("13")]
        if self.choices.chance(0.2):
            self.options += ["--cpu", "baseline"]
        if self.choices.chance(0.3):
            self.options += ["--skip", self.choices.pick(PASSES)]
        command = [self.binary, "run", str(self.file), "--quiet", *self.options]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_RUN, check=False)
        except subprocess.TimeoutExpired:
            return None, [f"no end after {LONGEST_RUN} s"]
        if done.returncode != 0:
            return done.returncode, [done.stderr + done.stdout]
        return 0, done.stdout.split(f"{BETWEEN}\n")

    def alone(self, case):
        """The same for one case, whose output is whole."""
        code, printed = self.run([case])
        return code, "".join(printed)


def judged(case, code, printed):
    """What is wrong with a case's run (`None` if nothing), and why it was refused (`None` if it was not)."""
    if code == 0:
        found = np.array([float(number) for number in NUMBER.findall(printed)])
        return case.difference(found), None
    if code in (1, 2) and not any(fault in printed for fault in FAULTS):
        return None, re.sub(r"\d+", "N", printed.split("\n")[0])
    return f"exit code {code}: {printed}", None


def compare(kind, count, choices, runner):
    """Compares that many cases of a kind; prints the differences and gives how many there were, and the refusals."""
    generate, together = KINDS[kind]
    differences, refusals = 0, Counter()
    compared = 0
    while compared < count:
        made = (generate(choices) for _ in range(min(together, count - compared)))
        cases = [case for case in made if case is not None]
        # The tensors of two element types have the same names.
        for setup in dict.fromkeys(case.setup for case in cases):
            group = [case for case in cases if case.setup == setup]
            code, printed = runner.run(group)
            runs = [(code, part, runner.options) for part in printed]
            if len(runs) != len(group):
                runs = [(*runner.alone(case), runner.options) for case in group]
            compared += len(group)
            for case, (code, part, options) in zip(group, runs):
                wrong, refused = judged(case, code, part)
                if wrong is not None:
                    differences += 1
                    print(f"{kind} ({' '.join(options)}): {wrong}\n{case.setup}{case.text('result')}", flush=True)
                if refused is not None:
                    refusals[refused] += 1
    return compared, differences, refusals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dlmc", default="target/release/dlmc", help="the binary")
    parser.add_argument("--count", type=int, default=1000, help="cases of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS), help="which, with commas between")
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    if not set(kinds) <= set(KINDS):
        parser.error(f"the kinds are {', '.join(KINDS)}")
    wrong = False
    for kind in kinds:
        choices = Choices(random.Random(f"{kind} {options.seed}"))
        with tempfile.TemporaryDirectory() as folder:
            runner = Runner(options.dlmc, folder, choices)
            compared, differences, refusals = compare(kind, options.count, choices, runner)
        refused = sum(refusals.values())
        print(f"{kind}: {compared} compared, {differences} differ, {refused} refused")
        for message, count in refusals.most_common(5):
            print(f"  {count} times: {message}")
        wrong |= differences > 0 or 2 * refused > compared
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
