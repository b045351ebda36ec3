"""What the peers written in Python share: their arguments and how their steps are timed.

A peer is started as `python X_peer.py MODE CASE THREADS [SECONDS]` and prints one JSON line. It hands `report` a function
advance(count) that trains `count` steps, step i on batch i % 4, waits for their end and returns the loss of the last one.
"""
import json
import os
import statistics
import sys
import time

# When the process was started: by compare.py's clock where it says so, else by this process's own.
BEGAN = float(os.environ.get("COMPARE_BEGAN", time.time()))
BLOCK = 0.02


def arguments():
    """(mode, case, threads, seconds) from the command line."""
    mode, case, threads = sys.argv[1:4]
    return mode, case, int(threads), float(sys.argv[4]) if len(sys.argv) > 4 else 2.0


def seconds_of(advance, count):
    begin = time.perf_counter()
    advance(count)
    return time.perf_counter() - begin


def report(advance, check, seconds):
    """Times the first step (whatever compiles included) since the process's start, takes the loss of step `check`, then times blocks of
    at least 20 ms for `seconds`, no fewer than five, and prints the median of their time per step."""
    begin = time.time()
    advance(1)
    first, start = time.time() - begin, time.time() - BEGAN
    loss = advance(check - 1)
    count = 1
    while seconds_of(advance, count) < BLOCK:
        count *= 2
    samples, end = [], time.perf_counter() + seconds
    while len(samples) < 5 or time.perf_counter() < end:
        samples.append(seconds_of(advance, count) / count * 1e6)
    print(json.dumps({"us_per_step": statistics.median(samples), "us_best": min(samples), "start_ms": start * 1e3, "first_step_ms": first * 1e3,
                      "loss": loss}))
