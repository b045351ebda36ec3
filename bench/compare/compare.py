"""Times training steps of dlmc beside the peers that are installed, from the same weights on the same batches.

    python bench/compare/compare.py [--cases lenet,lstm] [--threads 1,2] [--peers torch_eager,jax] [--rounds 3] [--starts lenet]
    python bench/compare/compare.py --rounds 0 --json FILE --markdown TABLE.md

Needs numpy and the release binary (`cargo build --release`, or `--dlmc PATH`); PyTorch and JAX are peers where this Python can import
them. Each figure is the median over rounds of a process's median; the sides take turns within a round, and a process during which
others kept more than `--quiet` processors busy is repeated, twice at most. The losses must agree to 1e-3, or the row says so.
`--starts` names the cases whose cold start (from the process's start to the end of the first step) and peak memory are measured.

Prints the tables in Markdown, `--markdown FILE` also writes them. `--json FILE` keeps every measurement, adding to what stands there:
the tables are those of the whole file, so that a comparison may be made case by case; with `--rounds 0` nothing new is measured.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import sides
import table
from cases import CASES, DATA, write

BINARY = sides.HERE.parent.parent / "target" / "release" / "dlmc"
STARTERS = ("dlmc", "torch_eager", "torch_compile", "jax")


def listed(text):
    return [item for item in text.split(",") if item]


def parse():
    parser = argparse.ArgumentParser(description="Times training steps of dlmc beside its peers.")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--starts", default="mlp_mnist,lenet", help="cases whose cold start and peak memory are measured")
    parser.add_argument("--threads", default=",".join(dict.fromkeys(["1", str(min(2, os.cpu_count() or 1))])))
    parser.add_argument("--peers", default=",".join(sides.PEERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--quiet", type=float, default=0.1, help="processors that others may keep busy during a measurement")
    parser.add_argument("--dlmc", type=Path, default=BINARY)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    for option, known in (("cases", CASES), ("starts", CASES), ("peers", sides.PEERS)):
        chosen = listed(getattr(arguments, option))
        setattr(arguments, option, chosen)
        if unknown := [name for name in chosen if name not in known]:
            parser.error(f"--{option}: {unknown[0]} is none of {', '.join(known)}")
    arguments.threads = [int(count) for count in listed(arguments.threads)]
    if arguments.rounds and not arguments.dlmc.exists():
        parser.error(f"{arguments.dlmc} is not there: build it with `cargo build --release` or name it with --dlmc")
    return arguments


def quietly(arguments, attempt):
    """A measurement, made anew while others disturb it; of disturbed ones the least so."""
    runs = []
    for _ in range(3):
        runs.append(attempt())
        if "error" in runs[-1] or runs[-1]["others"] <= arguments.quiet:
            return runs[-1]
    return min(runs, key=lambda run: run["others"])


def step_rows(arguments, peers, case, threads):
    """The measurements of one row of steps. torch.compile compiles beforehand, in a process of its own, into a cache that the timed
    ones find: its compiling is timed there and disturbs nothing later."""
    records, failed, playing = [], set(), [side for side in ("dlmc", *peers) if sides.plays(side, case)]

    def keep(run, row, turn):
        records.append({**run, "row": row, "round": turn})
        if "error" in run:
            failed.add(run["side"])

    with tempfile.TemporaryDirectory() as cache:
        if "torch_compile" in playing:
            keep(sides.measure("torch_compile", case, threads, 0.0, arguments.dlmc, cache), "compile", 0)
        for turn in range(arguments.rounds):
            for side in playing:
                if side not in failed:
                    keep(quietly(arguments, lambda: sides.measure(side, case, threads, arguments.seconds, arguments.dlmc, cache)), "step", turn)
    return records


def start_rows(arguments, peers, case, threads):
    """The measurements of cold start and memory of one case: torch.compile once with an empty cache and once with what that left."""
    records = []
    for turn in range(arguments.rounds):
        for side in STARTERS:
            if side != "dlmc" and side not in peers:
                continue
            cache = Path(tempfile.mkdtemp())
            for state in ("empty", "kept") if side == "torch_compile" else ("empty",):
                run = sides.measure(side, case, threads, 0.5, arguments.dlmc, cache, watched=True)
                if side == "dlmc" and "error" not in run:
                    # Its clock starts with the program's first line: what passes before that is no more than an empty run.
                    run["start_ms"] = run["first_step_ms"] + sides.bare_start(arguments.dlmc, threads)
                records.append({**run, "row": "start", "round": turn, "cache": state})
            shutil.rmtree(cache, ignore_errors=True)
    return records


def main():
    arguments = parse()
    peers, every = sides.installed(arguments.peers), []
    if arguments.json and arguments.json.exists():
        every = [json.loads(line) for line in arguments.json.read_text().splitlines()]

    def keep(records):
        every.extend(records)
        if arguments.json:
            with arguments.json.open("a") as file:
                file.writelines(json.dumps(record) + "\n" for record in records)
        print(f"measured {records[0]['row']} {records[0]['case']} on {records[0]['threads']} threads", file=sys.stderr, flush=True)

    for case in [*arguments.cases, *arguments.starts] if arguments.rounds else []:
        if not (DATA / f"{case}.npz").exists():
            write(case)
    for case in arguments.cases if arguments.rounds else []:
        for threads in arguments.threads:
            keep(step_rows(arguments, peers, case, threads))
    for case in arguments.starts if arguments.rounds else []:
        keep(start_rows(arguments, peers, case, max(arguments.threads)))
    text = table.markdown(every)
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text)


main()
