"""What each pass of the compiler is worth: the time of a training step without it, as a multiple of the time with all of them.

    python bench/compare/ablation.py [--cases mlp_mnist,lenet] [--passes fuse,hoist] [--threads 1] [--rounds 3] [--seconds 1.5]

Needs numpy (for the cases' data, where it is not there yet) and the release binary. Before each process without a pass one with all of
them is timed, since a machine's speed drifts; a figure is the median over rounds of the ratio of the best blocks of the two.
The losses must agree to 1e-3, or the cell says so. `turns`, `bundle` and `tiles` are no passes, but are
left out like them: the small loop of steps as one function, small kernels as one, small contractions among these.
"""
import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import sides
import table
from cases import CASES, DATA, write

BINARY = sides.HERE.parent.parent / "target" / "release" / "dlmc"
PASSES = "simplify,cse,dce,views,presum,factor,chain,hoist,fuse,residue,outline,narrow,order,turns,bundle,tiles"
SHOWN = "mlp_mnist,lenet,lstm,char_gpt"


def parse():
    parser = argparse.ArgumentParser(description="Times training steps without one pass after the other.")
    parser.add_argument("--cases", default=SHOWN)
    parser.add_argument("--passes", default=PASSES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--dlmc", type=Path, default=BINARY)
    arguments = parser.parse_args()
    arguments.cases, arguments.passes = arguments.cases.split(","), arguments.passes.split(",")
    if unknown := [case for case in arguments.cases if case not in CASES]:
        parser.error(f"--cases: {unknown[0]} is none of {', '.join(CASES)}")
    return arguments


def timed(arguments, case, skipped, cache):
    """A process with some passes left out."""
    os.environ.pop("DLMC_SKIP", None)
    if skipped:
        os.environ["DLMC_SKIP"] = skipped
    return sides.measure("dlmc", case, arguments.threads, arguments.seconds, arguments.dlmc, cache)


def measured(arguments, case, cache):
    """For each pass the processes with all passes and without it, in pairs."""
    runs = {skipped: [] for skipped in arguments.passes}
    for _ in range(arguments.rounds):
        for skipped, own in runs.items():
            if not own or "error" not in own[-1][1]:
                own.append((timed(arguments, case, None, cache), timed(arguments, case, skipped, cache)))
    return runs


def cell(pairs):
    """How much longer a step takes, or why that is not known."""
    if any("error" in without for _, without in pairs):
        return "fails"
    losses = [run["loss"] for run in pairs[0]]
    if None in losses or abs(losses[0] - losses[1]) > 1e-3 * abs(losses[0]):
        return "another loss"
    ratios = [without["us_best"] / full["us_best"] for full, without in pairs]
    return f"{statistics.median(ratios):.2f}"


def main():
    arguments = parse()
    columns, full = {}, {}
    with tempfile.TemporaryDirectory() as cache:
        for case in arguments.cases:
            if not (DATA / f"{case}.npz").exists():
                write(case)
            runs = measured(arguments, case, Path(cache))
            every = [full for pairs in runs.values() for full, _ in pairs]
            if errors := [run["error"] for run in every if "error" in run]:
                sys.exit(f"{case}: {errors[0]}")
            full[case] = table.figure(min(run["us_best"] for run in every))
            columns[case] = {skipped: cell(pairs) for skipped, pairs in runs.items()}
            print(f"measured {case}", file=sys.stderr, flush=True)
    rows = [["all passes, best block, µs", *full.values()]]
    rows += [[f"without `{skipped}`", *(columns[case][skipped] for case in columns)] for skipped in arguments.passes]
    print(table.table(["", *columns], rows))


main()
