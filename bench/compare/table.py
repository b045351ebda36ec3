"""The tables of the comparison, in Markdown, from its measurements."""
import statistics

from cases import CASES
from sides import PEERS

SIDES = ["dlmc", *PEERS]
COLUMNS = {"dlmc": "dlmc", "torch_eager": "PyTorch eager", "torch_compile": "torch.compile", "jax": "JAX jit", "jax_scan": "JAX loop",
           "numpy": "NumPy"}


def figure(value):
    """Four digits at most, thousands apart."""
    if value >= 1000:
        return f"{int(float(f'{value:.4g}')):,}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def good(runs, side, field):
    return [run[field] for run in runs if run["side"] == side and run.get(field) is not None]


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def cells(medians, sides):
    """The medians of a row, the least in bold."""
    least = min(medians.values(), default=None)
    texts = {side: figure(value) for side, value in medians.items()}
    return [f"**{texts[side]}**" if medians.get(side) == least is not None else texts.get(side, "-") for side in sides]


def ratio(runs, medians, field):
    """dlmc's median over the best peer's, and the least and the largest of that ratio turn by turn."""
    rivals = {side: value for side, value in medians.items() if side != "dlmc"}
    if "dlmc" not in medians or not rivals:
        return "-"
    best = min(rivals, key=rivals.get)
    turns = [ours / theirs for ours, theirs in zip(good(runs, "dlmc", field), good(runs, best, field))]
    low, high = f"{min(turns):.2g}", f"{max(turns):.2g}"
    return f"{medians['dlmc'] / rivals[best]:.2g}" + (f" ({low} to {high})" if low != high else "")


def agreement(runs):
    losses = [run["loss"] for run in runs if run.get("loss") is not None]
    if not losses:
        return "-"
    spread = max(losses) - min(losses)
    return f"{losses[0]:.6f}" if spread <= 1e-3 * max(map(abs, losses)) else f"differ by {spread:.2g}"


def of_peak(runs):
    """The share of a loop of multiply-adds, timed in the same process on as many threads, that dlmc's step reaches."""
    shares = [run["operations"] / run["us_per_step"] / run["peak_gflops"] / 1e3 for run in runs if run.get("peak_gflops")]
    return f"{100 * statistics.median(shares):.0f} %" if shares else "-"


def groups(records, kind, key):
    """The records of a kind by key, in the order of the cases."""
    found = {}
    for record in records:
        if record["row"] == kind:
            found.setdefault(key(record), []).append(record)
    order = list(CASES)
    return sorted(found.items(), key=lambda item: (order.index(item[0][0]), *item[0][1:]))


def present(records):
    return [side for side in SIDES if any(record["side"] == side for record in records)]


def steps(records):
    """A row for each case and number of threads: the time of a step on each side, the ratio, the loss and others' load."""
    sides, rows = present([record for record in records if record["row"] == "step"]), []
    for (case, threads), runs in groups(records, "step", lambda run: (run["case"], run["threads"])):
        medians = {side: statistics.median(times) for side in sides if (times := good(runs, side, "us_per_step"))}
        others = max((run["others"] for run in runs if "others" in run), default=float("nan"))
        rows.append([case, str(threads), *cells(medians, sides), ratio(runs, medians, "us_per_step"), of_peak(runs), agreement(runs), f"{others:.2f}"])
    header = ["case", "threads", *(f"{COLUMNS[side]} µs" for side in sides), "dlmc / best peer", "of the peak", "loss", "others' load"]
    return table(header, rows)


def compile_times(records):
    """A row for each case and number of threads: the first step of the sides that compile at run time, in ms, their caches empty."""
    firsts = [run for run in records if run["row"] == ("compile" if run["side"] == "torch_compile" else "step")]
    firsts = [{**run, "row": "first"} for run in firsts if run["side"] in ("torch_compile", "jax", "jax_scan")]
    sides, rows = present(firsts), []
    for (case, threads), runs in groups(firsts, "first", lambda run: (run["case"], run["threads"])):
        medians = {side: statistics.median(times) for side in sides if (times := good(runs, side, "first_step_ms"))}
        rows.append([case, str(threads), *(figure(medians[side]) if side in medians else "-" for side in sides)])
    return table(["case", "threads", *(f"{COLUMNS[side]} ms" for side in sides)], rows) if rows else ""


def starts(records):
    """Rows of the time from a process's start to the end of its first step, and of its peak memory."""
    records = [{**run, "side": kept(run)} for run in records if run["row"] == "start"]
    sides = [side for side in ("dlmc", "torch_eager", "torch_compile", "torch_compile_kept", "jax") if any(run["side"] == side for run in records)]
    names = {**COLUMNS, "torch_compile": "torch.compile, empty cache", "torch_compile_kept": "torch.compile, kept cache"}
    times, peaks = [], []
    for (case, threads), runs in groups(records, "start", lambda run: (run["case"], run["threads"])):
        for field, label, unit, rows in (("start_ms", "cold start to the first trained step, ms", 1, times),
                                         ("peak_bytes", "peak resident memory, MB", 1e6, peaks)):
            medians = {side: statistics.median(values) / unit for side in sides if (values := good(runs, side, field))}
            rows.append([f"{label}: {case}", str(threads), *cells(medians, sides), ratio(runs, medians, field)])
    return table(["", "threads", *(names[side] for side in sides), "dlmc / best peer"], times + peaks)


def kept(run):
    return "torch_compile_kept" if run["side"] == "torch_compile" and run["cache"] == "kept" else run["side"]


def failures(records):
    lines = {f"- {run['case']} on {run['threads']} threads, {COLUMNS[run['side']]}: {run['error']}" for run in records if "error" in run}
    return "\n".join(sorted(lines)) + "\n" if lines else ""


def markdown(records):
    """All tables that the records have rows for."""
    parts = []
    if any(run["row"] == "step" for run in records):
        parts.append(steps(records))
        if compiled := compile_times(records):
            parts.append("The first step, compiling included:\n\n" + compiled)
    if any(run["row"] == "start" for run in records):
        parts.append(starts(records))
    return "\n".join(part for part in [*parts, failures(records)] if part)
