#!/usr/bin/env python3
"""Reads what `dlmc run FILE --tensorboard DIR` wrote with TensorBoard's own reader and compares it with what `--log` wrote.

    python3 -m venv venv && venv/bin/pip install tensorboard
    dlmc run examples/iris.dlm --tensorboard runs/a --log run.jsonl
    venv/bin/python bench/read_events.py runs/a run.jsonl

Every scalar of the one must be in the other, at the same step, with the same 32-bit float. Prints one line for each tag, and exits with 1
where something differs. Runs that were resumed are compared as TensorBoard shows them: the later of two equal steps counts.
"""
import json
import math
import struct
import sys

from tensorboard.backend.event_processing import event_accumulator


def single(value):
    """The nearest 32-bit float, as an event holds it."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def logged(path):
    """Tag -> step -> value, as the log has it."""
    tags = {}

    def put(training, tag, step, value):
        tag = tag if training == 1 else f"training {training} {tag}"
        # JSON has no NaN and no infinity; the log has null for them.
        tags.setdefault(tag, {})[step] = None if value is None else single(value)

    with open(path, encoding="utf-8") as file:
        for line in map(json.loads, file):
            if line["kind"] == "step":
                put(line["training"], "step/loss", line["step"], line["loss"])
            elif line["kind"] == "loss":
                put(1, f"loop/{line['objective']}", line["step"], line["loss"])
            elif line["kind"] == "epoch":
                for name, value in {"loss": line["loss"], **line["metrics"]}.items():
                    put(line["training"], f"epoch/{name}", line["step"], value)
    return tags


def shown(folder):
    """Tag -> step -> value, as TensorBoard reads it."""
    events = event_accumulator.EventAccumulator(folder, size_guidance={event_accumulator.SCALARS: 0})
    events.Reload()
    return {tag: {event.step: event.value for event in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


def same(event, line):
    return not math.isfinite(event) if line is None else event == line


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    board, log = shown(sys.argv[1]), logged(sys.argv[2])
    faults = 0
    for tag in sorted(board.keys() | log.keys()):
        a, b = board.get(tag, {}), log.get(tag, {})
        wrong = [step for step in sorted(a.keys() | b.keys()) if step not in a or step not in b or not same(a[step], b[step])]
        faults += len(wrong)
        where = f", {len(wrong)} differ, first at step {wrong[0]}" if wrong else ", all equal"
        print(f"{tag}: {len(a)} in TensorBoard, {len(b)} in the log{where}")
    if not board:
        print(f"no scalars in {sys.argv[1]}")
        faults += 1
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
