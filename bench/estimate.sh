#!/bin/sh
# The time that `dlmc check` says of each example, beside the time that it then takes: bench/estimate.sh [DLMC] [ARGUMENTS...]
set -eu
cd "$(dirname "$0")/../examples"
dlmc=${1:-../target/release/dlmc}
[ $# -eq 0 ] || shift
printf '%-20s %10s %10s %7s\n' example estimate taken ratio
for file in *.dlm; do
    said=$("$dlmc" check "$file" "$@" | sed -n 's/^time  *\(at most \)\{0,1\}about \([0-9.]*\) \([^ ]*\) on .*/\2 \3/p')
    start=$(date +%s%N)
    "$dlmc" run "$file" --quiet "$@" >/dev/null
    end=$(date +%s%N)
    echo "$said $((end - start))" | awk -v name="$file" '{
        unit["ns"] = 1e-9; unit["us"] = 1e-6; unit["ms"] = 1e-3; unit["s"] = 1; unit["min"] = 60; unit["h"] = 3600
        if (NF != 3 || !($2 in unit)) { printf "%-20s %s\n", name, "no estimate: " $0; next }
        said = $1 * unit[$2]; taken = $3 / 1e9
        printf "%-20s %8.3f s %8.3f s %7.2f\n", name, said, taken, said / taken
    }'
done
