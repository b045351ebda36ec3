#!/bin/sh
# Makes fuzz/kept anew from fuzz/corpus: of each target the fewest inputs that reach what all of them reach, those of at most 1,024 bytes,
# in one archive. `FUZZ_BUILT=FOLDER fuzz/keep.sh [TARGET ...]`, the folder with the targets that `fuzz/run.sh` has built.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
TMPDIR=$work
export TMPDIR
trap 'rm -rf "$work"' EXIT
mkdir -p kept
for target in ${*:-source program data graph native state}; do
    mkdir "$work/small" "$work/merged"
    find corpus/"$target" -type f -size -1025c -exec cp -t "$work/small" {} +
    nice -n 19 "$FUZZ_BUILT/$target" -merge=1 -timeout=60 "$work/merged" "$work/small" >"$work/said" 2>&1 || {
        cat "$work/said"
        exit 1
    }
    # The same inputs give the same bytes.
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - -C "$work/merged" . | gzip -9n >kept/"$target".tar.gz
    printf '%-8s %5s inputs, %s bytes packed\n' "$target" "$(find "$work/merged" -type f | wc -l)" "$(wc -c <kept/"$target".tar.gz)"
    rm -rf "$work/small" "$work/merged"
done
