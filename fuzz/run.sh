#!/bin/sh
# Fuzzes each target for some seconds, one process at a time, and round again: `fuzz/run.sh [SECONDS [ROUNDS [TARGET ...]]]`. What crashes
# does not end it: the input is kept in fuzz/artifacts and the target begun again. A line for each run, with the processor time that it
# used, is added to fuzz/log.tsv, whose sums are printed at the end. `FUZZ_BUILT=FOLDER` names a folder with the targets, instead of
# building them. Memory that is not freed is the affair of tests/leaks.rs: to look for it here would stop the process at each input.
# `FUZZ_NICE` is how far they stand back (19), `FUZZ_TIMEOUT` the seconds after which an input counts as one that hangs (60).
set -eu
cd "$(dirname "$0")"
seconds=${1:-300}
rounds=${2:-1}
shift $(($# < 2 ? $# : 2))
targets=${*:-source program data graph native state}
# Faults after which a run is given up: a target that fails at once would do nothing else.
most_faults=20
if [ -z "${FUZZ_BUILT:-}" ]; then
    folder=${CARGO_TARGET_DIR:-target}
    nice -n "${FUZZ_NICE:-19}" cargo +nightly fuzz build --target-dir "$folder"
    FUZZ_BUILT=$folder/$(rustc +nightly -vV | sed -n 's/^host: //p')/release
fi
if [ ! -d corpus ]; then
    python3 seed.py
    for kept in kept/*.tar.gz; do
        mkdir -p "corpus/$(basename "$kept" .tar.gz)"
        tar -xzf "$kept" -C "corpus/$(basename "$kept" .tar.gz)"
    done
fi
# Files that targets write.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# Seconds of processor time, of what a shell has waited for: `2m3.5s 0m1.25s` in the second line of `times`.
used() {
    sed -n '2s/[ms]/ /gp' "$1" | awk '{ printf "%.0f", 60 * ($1 + $3) + $2 + $4 }'
}

# A target until the time is over; each fault ends a process, and another goes on.
fuzz() {
    target=$1
    ends=$(($(date +%s) + seconds))
    faults=0
    while [ "$faults" -lt "$most_faults" ] && left=$((ends - $(date +%s))) && [ "$left" -gt 0 ]; do
        nice -n "${FUZZ_NICE:-19}" "$FUZZ_BUILT/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" \
            -dict=dlm.dict -max_len=4096 -timeout="${FUZZ_TIMEOUT:-60}" -max_total_time="$left" -reload=0 \
            -detect_leaks=0 -print_final_stats=1 >>"$TMPDIR/said" 2>&1 || faults=$((faults + 1))
    done
    times >"$TMPDIR/times"
    echo "$faults" >"$TMPDIR/faults"
}

for round in $(seq "$rounds"); do
    for target in $targets; do
        mkdir -p "corpus/$target" "artifacts/$target"
        begin=$(date +%FT%TZ)
        : >"$TMPDIR/said"
        # A shell of its own: its children are this run and nothing else. What a stopped process waits for is not counted.
        (fuzz "$target")
        rm -rf "$TMPDIR"/dlmc-*
        executions=$(awk '/^stat::number_of_executed_units/ { sum += $2 } END { print sum + 0 }' "$TMPDIR/said")
        edges=$(grep -o 'cov: [0-9]*' "$TMPDIR/said" | tail -1)
        # An input that is slow and no fault leaves a file too.
        printf '%s\t%s\t%s s\t%s s CPU\t%s executions\t%s\t%s inputs\t%s faults\t%s kept\n' "$begin" "$target" "$seconds" \
            "$(used "$TMPDIR/times")" "$executions" "$edges" "$(find "corpus/$target" -type f | wc -l)" "$(cat "$TMPDIR/faults")" \
            "$(find "artifacts/$target" -type f ! -name 'slow-unit-*' | wc -l)" >>log.tsv
        grep -h 'panicked at\|ERROR: ' "$TMPDIR/said" | sort | uniq -c | sort -rn | head -20 >>log.tsv || true
    done
done
awk -F'\t' '$4 ~ / CPU$/ { used[$2] += $4; runs[$2] += $5 } END { for (target in used)
    printf "%-8s %6.1f min of processor time %12d executions\n", target, used[target] / 60, runs[target] }' log.tsv | sort
