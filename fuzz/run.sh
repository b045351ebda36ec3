#!/bin/sh
# Fuzzes each target for some seconds, one process at a time, and round again: `fuzz/run.sh [SECONDS [ROUNDS [TARGET ...]]]`. What crashes
# does not end it: the inputs are kept in fuzz/artifacts, and a line for each run, with the sums, is added to fuzz/log.tsv.
set -eu
cd "$(dirname "$0")"
seconds=${1:-300}
rounds=${2:-1}
shift $(($# < 2 ? $# : 2))
targets=${*:-source program data graph native state}
built=${CARGO_TARGET_DIR:-target}
nice -n 19 cargo +nightly fuzz build --target-dir "$built"
[ -d corpus ] || python3 seed.py
# Files that targets write.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
for round in $(seq "$rounds"); do
    for target in $targets; do
        mkdir -p corpus/$target artifacts/$target
        begin=$(date +%FT%TZ)
        nice -n 19 "$built"/x86_64-unknown-linux-gnu/release/$target corpus/$target -artifact_prefix=artifacts/$target/ \
            -dict=dlm.dict -max_len=4096 -timeout=60 -max_total_time="$seconds" \
            -fork=1 -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 >"$TMPDIR"/said 2>&1 || true
        rm -rf "$TMPDIR"/dlmc-*
        # The last line of progress: executions, edges covered, oom/timeout/crash.
        if ! last=$(grep '^#.*exec/s' "$TMPDIR"/said | tail -1); then
            cat "$TMPDIR"/said
            exit 1
        fi
        # Faults of the inputs that it starts from are kept, but not in its counts.
        kept=$(find artifacts/$target -type f | wc -l)
        printf '%s\t%s\t%s s\t%s\t%s kept\n' "$begin" $target "$seconds" "$last" "$kept" >>log.tsv
        grep -h 'panicked at\|ERROR: ' "$TMPDIR"/said | sort | uniq -c | sort -rn | head -20 >>log.tsv || true
    done
done
