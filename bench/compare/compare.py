"""Times training steps of dlmc beside the peers that are installed, from the same weights on the same batches.

    python bench/compare/compare.py [--cases lenet,lstm] [--threads 1,2] [--peers torch_eager,torch_compile] [--rounds 3]

Needs numpy and the release binary (`cargo build --release`); PyTorch is a peer where this Python can import it. Each figure is the
median over rounds of a process's median; the sides take turns within a round. One thread also means one processor. The losses must
agree to 1e-3, or the row says so. Prints the table in Markdown; `--json FILE` keeps every measurement.
"""
import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from cases import CASES, DATA, write

HERE = Path(__file__).parent
BINARY = HERE.parent.parent / "target" / "release" / "dlmc"
MODES = {"torch_eager": "eager", "torch_compile": "compile"}


def command(side, name, threads, seconds):
    if side == "dlmc":
        check = CASES[name]["check"]
        return [str(BINARY), "bench", str(HERE / "cases" / f"{name}.dlm"), "epochs=100000000", "--threads", str(threads),
                "--seconds", str(seconds), "--check", str(check), "--json"]
    return [sys.executable, str(HERE / "torch_peer.py"), MODES[side], name, str(threads), str(seconds)]


def measure(side, name, threads, seconds):
    """One process: its JSON line with its peak memory and the processors that others kept busy meanwhile."""
    pin = ["taskset", "-c", "0"] if threads == 1 else []
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    begin, busy_before, own_before = time.time(), busy(), own()
    process = subprocess.run(pin + command(side, name, threads, seconds), capture_output=True, text=True, env=environment)
    elapsed = time.time() - begin
    lines = [line for line in process.stdout.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        message = (process.stderr.strip().splitlines() or ["no output"])[-1]
        return {"side": side, "case": name, "threads": threads, "error": message}
    others = ((busy() - busy_before) - (own() - own_before)) / elapsed
    return dict(json.loads(lines[-1]), side=side, case=name, threads=threads, others=round(max(0.0, others), 2))


def busy():
    fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def own():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--peers", default=None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--json", default=None)
    arguments = parser.parse_args()
    peers = arguments.peers.split(",") if arguments.peers is not None else ["torch_eager"]
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed for this Python: dlmc alone is timed", file=sys.stderr)
        peers = []
    sides, every = ["dlmc", *[peer for peer in peers if peer]], []
    print("| case | threads | " + " | ".join(f"{side} µs" for side in sides) + " | ratio to the best peer | loss | others' load |")
    print("|---|---|" + "---|" * (len(sides) + 3))
    for name in arguments.cases.split(","):
        if not (DATA / f"{name}.npz").exists():
            write(name)
        for threads in map(int, arguments.threads.split(",")):
            runs = [measure(side, name, threads, arguments.seconds) for _ in range(arguments.rounds) for side in sides]
            every += runs
            print(row(name, threads, sides, runs), flush=True)
    if arguments.json:
        Path(arguments.json).write_text("\n".join(json.dumps(run) for run in every) + "\n")


def row(name, threads, sides, runs):
    errors = [run["error"] for run in runs if "error" in run]
    times = {side: [run["us_per_step"] for run in runs if run["side"] == side and "error" not in run] for side in sides}
    medians = {side: statistics.median(values) if values else float("nan") for side, values in times.items()}
    rivals = [medians[side] for side in sides[1:]]
    ratio = f"{medians['dlmc'] / min(rivals):.2f}" if rivals else "-"
    losses = [run["loss"] for run in runs if run.get("loss") is not None]
    agree = "-"
    if losses:
        spread = max(losses) - min(losses)
        agree = f"{losses[0]:.6f}" if spread <= 1e-3 * max(abs(loss) for loss in losses) else f"differ by {spread:.2g}"
    others = max((run["others"] for run in runs if "others" in run), default=float("nan"))
    cells = [name, str(threads), *[f"{medians[side]:.4g}" for side in sides], ratio, agree, f"{others}"]
    return "| " + " | ".join(cells) + " |" + (f" {errors[0]}" if errors else "")


main()
