#!/bin/sh
# The time that `dlmc check` says of each example, beside the time that it then takes: bench/estimate.sh [DLMC] [ARGUMENTS...]
# Ends with 1 where one is off by more than a factor of two. A time that is said to be the most may be more than what is taken, not less.
set -eu
cd "$(dirname "$0")/../examples"
dlmc=${1:-../target/release/dlmc}
[ $# -eq 0 ] || shift
worst=0
printf '%-20s %10s %10s %7s\n' example estimate taken ratio
for file in *.dlm; do
    said=$("$dlmc" check "$file" "$@" | sed -n 's/^time  *\(at most \)\{0,1\}about \([0-9.]*\) \([^ ]*\) on .*/\2 \3 \1/p')
    start=$(date +%s%N)
    "$dlmc" run "$file" --quiet "$@" >/dev/null
    end=$(date +%s%N)
    echo "$((end - start)) $said" | awk -v name="$file" '{
        unit["ns"] = 1e-9; unit["us"] = 1e-6; unit["ms"] = 1e-3; unit["s"] = 1; unit["min"] = 60; unit["h"] = 3600
        if (!($3 in unit)) { printf "%-20s no estimate\n", name; exit 1 }
        said = $2 * unit[$3]; taken = $1 / 1e9; ratio = said / taken; most = NF > 3
        bad = ratio < 0.5 || (ratio > 2 && !most)
        printf "%-20s %8.3f s %8.3f s %7.2f%s%s\n", name, said, taken, ratio, most ? ", at most" : "", bad ? ", off" : ""
        exit bad
    }' || worst=1
done
exit $worst
