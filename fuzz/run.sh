#!/bin/sh
# Fuzzes each target for some seconds, one process at a time, and round again: `fuzz/run.sh [SECONDS [ROUNDS [TARGET ...]]]`. What crashes
# does not end it: the inputs are kept in fuzz/artifacts, and a line for each run, with the processor time that it used, is added to
# fuzz/log.tsv, whose sums are printed at the end. `FUZZ_BUILT=FOLDER` names a folder with the targets, instead of building them.
set -eu
cd "$(dirname "$0")"
seconds=${1:-300}
rounds=${2:-1}
shift $(($# < 2 ? $# : 2))
targets=${*:-source program data graph native state}
if [ -z "${FUZZ_BUILT:-}" ]; then
    folder=${CARGO_TARGET_DIR:-target}
    nice -n 19 cargo +nightly fuzz build --target-dir "$folder"
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

for round in $(seq "$rounds"); do
    for target in $targets; do
        mkdir -p corpus/$target artifacts/$target
        begin=$(date +%FT%TZ)
        # A shell of its own: its children are this run and nothing else. What a stopped process waits for is not counted.
        (
            nice -n 19 "$FUZZ_BUILT"/$target corpus/$target -artifact_prefix=artifacts/$target/ \
                -dict=dlm.dict -max_len=4096 -timeout=60 -max_total_time="$seconds" \
                -fork=1 -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 >"$TMPDIR"/said 2>&1 || true
            times >"$TMPDIR"/times
        )
        rm -rf "$TMPDIR"/dlmc-*
        # The last line of progress: executions, edges covered, oom/timeout/crash.
        if ! last=$(grep '^#.*exec/s' "$TMPDIR"/said | tail -1); then
            cat "$TMPDIR"/said
            exit 1
        fi
        # Faults of the inputs that it starts from are kept, but not in its counts.
        kept=$(find artifacts/$target -type f | wc -l)
        printf '%s\t%s\t%s s\t%s s CPU\t%s\t%s kept\n' "$begin" $target "$seconds" "$(used "$TMPDIR"/times)" "$last" "$kept" >>log.tsv
        grep -h 'panicked at\|ERROR: ' "$TMPDIR"/said | sort | uniq -c | sort -rn | head -20 >>log.tsv || true
    done
done
awk -F'\t' '$4 ~ / CPU$/ { used[$2] += $4 } END { for (target in used) printf "%-8s %6.1f min of processor time\n", target, used[target] / 60 }' log.tsv | sort
