"""The sides of the comparison: how each is started on a number of processors, and what one process of it measures.

Each measurement is a process of its own. `threads` processors are all that it may run on (taskset), and the thread pools of the
libraries are told their number besides, so that one thread really is one thread.
"""
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import CASES

HERE = Path(__file__).parent
# side: (script, mode, module it needs)
PEERS = {
    "torch_eager": ("torch_peer.py", "eager", "torch"),
    "torch_compile": ("torch_peer.py", "compile", "torch"),
    "jax": ("jax_peer.py", "jit", "jax"),
    "jax_scan": ("jax_peer.py", "scan", "jax"),
    "numpy": ("numpy_peer.py", "by_hand", "numpy"),
}
PATIENCE = 240.0


def installed(names):
    """Those of these peers whose module this Python can import; the others are named on standard error."""
    here = []
    for name in names:
        module = PEERS[name][2]
        if importlib.util.find_spec(module) is None:
            print(f"{name}: {module} is not installed for this Python, skipped", file=sys.stderr)
        else:
            here.append(name)
    return here


def plays(side, case):
    """Whether a side has this case: NumPy's gradients are written by hand, for regressions and perceptrons only."""
    return side != "numpy" or CASES[case]["kind"] in ("linear", "mlp")


def command(side, case, threads, seconds, binary):
    if side == "dlmc":
        program, check = HERE / "cases" / f"{case}.dlm", CASES[case]["check"]
        return [str(binary), "bench", str(program), "epochs=100000000", "--threads", str(threads), "--seconds", str(seconds), "--check",
                str(check), "--json"]
    script, mode, _ = PEERS[side]
    return [sys.executable, str(HERE / script), mode, case, str(threads), str(seconds)]


def pinned(threads):
    """What to put before a command so that it runs on this number of processors."""
    allowed = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", ",".join(map(str, allowed[:threads]))] if threads < len(allowed) else []


def environment(threads, cache):
    """The variables by which the peers' thread pools are sized and torch.compile's cache is placed."""
    pools = {f"{pool}_NUM_THREADS": str(threads) for pool in ("OMP", "MKL", "OPENBLAS")}
    one = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"} if threads == 1 else {}
    return {**os.environ, **pools, **one, "TORCHINDUCTOR_CACHE_DIR": str(cache), "COMPARE_BEGAN": repr(time.time())}


def busy():
    """Seconds that processors have been busy or taken away since the machine's start."""
    fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def own():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def high_water(process):
    """The most memory (bytes) that the process has had resident, or None once it has ended. Unlike the maximum that wait4 tells, this
    counts neither the process that started it nor a compiler that it starts."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


def wait(process, watched):
    """Waits for the process's end; where `watched`, looks at its memory every 10 ms and returns the last high-water mark."""
    if not watched:
        process.wait(PATIENCE)
        return None
    peak, end = None, time.time() + PATIENCE
    while process.poll() is None:
        # The last reading, not the largest: before it has become the program, a new process shows its starter's memory.
        peak = high_water(process) or peak
        if time.time() > end:
            raise subprocess.TimeoutExpired(process.args, PATIENCE)
        time.sleep(0.01)
    return peak


def measure(side, case, threads, seconds, binary, cache, watched=False):
    """One process: its JSON line, with its peak memory where `watched`, and the processors that others kept busy meanwhile."""
    record = {"side": side, "case": case, "threads": threads}
    argv = pinned(threads) + command(side, case, threads, seconds, binary)
    began, busy_before, own_before = time.time(), busy(), own()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(argv, stdout=out, stderr=err, env=environment(threads, cache))
        try:
            peak = wait(process, watched)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return {**record, "error": f"no result within {PATIENCE:.0f} s"}
        others = ((busy() - busy_before) - (own() - own_before)) / (time.time() - began)
        out.seek(0), err.seek(0)
        lines = [line for line in out.read().splitlines() if line.startswith("{")]
        if process.returncode != 0 or not lines:
            return {**record, "error": (err.read().strip().splitlines() or ["no output"])[-1]}
    if peak is not None:
        record["peak_bytes"] = peak
    return {**json.loads(lines[-1]), **record, "others": round(max(0.0, others), 2)}


def bare_start(binary, threads):
    """Milliseconds from starting the compiler's process to the end of one that does nothing."""
    begin = time.time()
    subprocess.run([*pinned(threads), str(binary), "--version"], stdout=subprocess.DEVNULL, check=True)
    return (time.time() - begin) * 1e3
